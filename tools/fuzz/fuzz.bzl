"""Fuzz targets."""

def crvm_fuzz_test(name, srcs, deps = [], corpus = [], **kwargs):
    """A libFuzzer target: srcs define LLVMFuzzerTestOneInput.

    In ordinary builds it is a test that replays the corpus and a fixed
    pseudo-random set of mutations of it, without libFuzzer. With --config=fuzz
    (clang) it is a libFuzzer binary; tools/ci/fuzz.sh runs all of those for a
    while.

    Args:
      name: by convention foo_fuzz, beside foo.cc.
      srcs: usually ["foo_fuzz.cc"].
      deps: what is fuzzed.
      corpus: seed files (a glob or labels); may be empty.
      **kwargs: for cc_test.
    """
    native.cc_test(
        name = name,
        size = kwargs.pop("size", "small"),
        srcs = srcs,
        args = ["$(locations %s)" % c for c in corpus],
        data = corpus,
        linkopts = select({
            "//tools/fuzz:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = kwargs.pop("tags", []) + ["fuzz"],
        deps = deps + select({
            "//tools/fuzz:libfuzzer": [],
            "//conditions:default": ["//tools/fuzz:replay_main"],
        }),
        **kwargs
    )
