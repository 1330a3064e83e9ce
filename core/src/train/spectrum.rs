//! The only caller of LAPACK.
