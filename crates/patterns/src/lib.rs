//! Groups log messages into patterns: constant tokens with typed gaps, found in one pass and bounded memory.
