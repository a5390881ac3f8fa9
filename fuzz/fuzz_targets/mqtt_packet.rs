//! See `iolite_fuzz::mqtt_packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::mqtt_packet::try_on(bytes));
