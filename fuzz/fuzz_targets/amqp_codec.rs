//! See `iolite_fuzz::amqp_codec`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::amqp_codec::try_on(bytes));
