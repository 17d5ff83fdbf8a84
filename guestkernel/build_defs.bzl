"""How guest kernel code is compiled: freestanding for the kernel, and hosted
for unit tests."""

# No red zone and no vector registers: kernel code may be entered on any stack
# and must not touch the program's FPU state. Not -mgeneral-regs-only: with
# clang it takes away long double, which <atomic> names. -mcmodel=kernel:
# linked in the top 2 GiB. Warnings are repeated here because the kernel is built as a tool,
# in the host configuration, which .bazelrc's --copt does not reach.
KERNEL_ASM_COPTS = [
    "-O2",
    "-fno-pic",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-U_FORTIFY_SOURCE",
]

KERNEL_COPTS = KERNEL_ASM_COPTS + [
    "-std=c++20",
    "-ffreestanding",
    "-fno-exceptions",
    "-fno-rtti",
    "-mcmodel=kernel",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-mno-mmx",
    "-mno-sse",
    "-mno-avx",
    "-mno-red-zone",
    "-fno-threadsafe-statics",
]

# For the cc_binary of the kernel and for its libraries.
KERNEL_FEATURES = ["-supports_pic"]

# Without RTTI in the kernel, the vptr check finds no type information.
HOSTED_COPTS = ["-DGK_HOSTED=1", "-fno-sanitize=vptr"]

def _hosted_label(dep):
    """//a/b -> //a/b:b_hosted, //a:b -> //a:b_hosted, :b -> :b_hosted."""
    if dep.startswith("//guestkernel/abi"):
        return dep  # headers shared by kernel and VMM: the same for both
    if ":" in dep:
        return dep + "_hosted"
    return dep + ":" + dep.split("/")[-1] + "_hosted"

def kernel_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        textual_hdrs = [],
        common_deps = [],
        hosted = True,
        hosted_srcs = None,
        hosted_deps = [],
        copts = [],
        visibility = None):
    """A kernel library `name` and its twin for host tests, `name_hosted`.

    Args:
      name: the freestanding library; tagged manual, always linked whole.
      srcs: .cc and .S files (and private headers).
      hdrs: public headers.
      deps: kernel_library targets; the twin depends on their twins.
        Labels under //guestkernel/abi are used as they are.
      textual_hdrs: as for cc_library.
      common_deps: header-only cc_library targets, the same for both.
      hosted: False for what needs hardware (entry stubs, drivers' doorbells).
      hosted_srcs: the twin's sources, where they differ; default: srcs
        without .S files.
      hosted_deps: dependencies of the twin alone, used as they are.
      copts: for both.
      visibility: for both.
    """
    asm = [s for s in srcs if s.endswith(".S")]
    rest = [s for s in srcs if not s.endswith(".S")]
    kernel_deps = deps + common_deps
    if asm:
        # Separate, since C++ options are errors for the assembler.
        native.cc_library(
            name = name + "_asm",
            srcs = asm + [s for s in rest if s.endswith(".h")],
            copts = KERNEL_ASM_COPTS,
            features = KERNEL_FEATURES,
            tags = ["manual"],
            linkstatic = True,
            alwayslink = True,
            visibility = ["//visibility:private"],
            deps = kernel_deps,
        )
        kernel_deps = kernel_deps + [":" + name + "_asm"]
    native.cc_library(
        name = name,
        srcs = rest,
        hdrs = hdrs,
        textual_hdrs = textual_hdrs,
        copts = KERNEL_COPTS + copts,
        features = KERNEL_FEATURES,
        tags = ["manual"],
        linkstatic = True,
        alwayslink = True,
        visibility = visibility,
        deps = kernel_deps,
    )
    if hosted:
        native.cc_library(
            name = name + "_hosted",
            srcs = rest if hosted_srcs == None else hosted_srcs,
            hdrs = hdrs,
            textual_hdrs = textual_hdrs,
            copts = HOSTED_COPTS + copts,
            linkstatic = True,
            visibility = visibility,
            deps = [_hosted_label(d) for d in deps] + common_deps + hosted_deps,
        )
