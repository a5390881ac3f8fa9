//! See `iolite_fuzz::amqp_engine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::amqp_engine::try_on(bytes));
