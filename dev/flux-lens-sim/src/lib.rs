//! The `flux-lens-sim` library.
