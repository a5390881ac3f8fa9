//! The Entra ID issuer: discovery, keys, tokens and managed identities.
