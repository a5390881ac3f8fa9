//! Who is calling: SAS signatures, Entra tokens and client certificates become a caller, with the evidence.
