//! IoT Hub: identities, twins, queries, configurations and methods.
