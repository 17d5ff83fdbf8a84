"""Builds the guest test programs of programs.bzl."""

_COPTS = ["-D_GNU_SOURCE"]

def _program(name, src, linkopts = []):
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = [src],
        copts = _COPTS,
        features = ["-static_link_cpp_runtimes"],
        linkopts = ["-pthread", "-ldl", "-lrt", "-lm"] + linkopts,
        # Sanitizers stay out of what runs in the guest.
        tags = ["no-asan"],
        visibility = ["//testdata:__subpackages__"],
        deps = ["//testdata/programs/lib"],
    )

def guest_programs(c = [], cc = [], static = [], static_pie = [], scripts = []):
    """One binary per name, and a filegroup "all_programs" of them and the scripts."""
    for name in c:
        _program(name, name + ".c")
    for name in cc:
        _program(name, name + ".cc")
    for name in static:
        _program(name + "_static", name + ".c", ["-static"])
    for name in static_pie:
        _program(name + "_static_pie", name + ".c", ["-static-pie", "-fuse-ld=bfd"])
    native.exports_files(scripts, visibility = ["//testdata:__subpackages__"])
    native.filegroup(
        name = "all_programs",
        testonly = True,
        srcs = program_names(c, cc, static, static_pie, scripts),
        visibility = ["//testdata:__subpackages__"],
    )

def program_names(c = [], cc = [], static = [], static_pie = [], scripts = []):
    """The names of the targets that guest_programs makes."""
    return (c + cc + [name + "_static" for name in static] +
            [name + "_static_pie" for name in static_pie] + scripts)
