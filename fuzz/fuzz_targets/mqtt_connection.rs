//! See `iolite_fuzz::mqtt_connection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::mqtt_connection::try_on(bytes));
