//! See `iolite_fuzz::queries`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::queries::try_on(bytes));
