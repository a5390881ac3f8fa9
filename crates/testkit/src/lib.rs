//! An emulator inside the test process, with a steerable clock, and the clients that speak to it.
