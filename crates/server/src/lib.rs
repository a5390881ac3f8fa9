//! The house put together: listeners, certificates, host routing, the control API and the world.
