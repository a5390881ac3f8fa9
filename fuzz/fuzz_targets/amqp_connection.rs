//! See `iolite_fuzz::amqp_connection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| iolite_fuzz::amqp_connection::try_on(bytes));
