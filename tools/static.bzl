"""Linking programs that are copied to other machines."""

# linkopts of a fully static cc_binary. Sanitizers cannot be linked statically.
STATIC_LINKOPTS = select({
    "//tools:sanitize": [],
    "//conditions:default": ["-static"],
})
