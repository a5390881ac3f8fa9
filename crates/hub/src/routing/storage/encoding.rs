//! How a blob of events is written.

/// An encoding of `RoutingStorageContainerProperties`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// An Avro object container.
    Avro,
    /// The same, its blocks deflated.
    AvroDeflate,
    /// An object a line.
    Json,
}

impl Encoding {
    /// The encoding of that name, in any letter case; Avro where none is given.
    pub(crate) fn of_name(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::Avro) };
        [("avro", Self::Avro), ("avrodeflate", Self::AvroDeflate), ("json", Self::Json)]
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, encoding)| encoding)
    }

    /// The content type of the blob.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Avro | Self::AvroDeflate => "application/octet-stream",
        }
    }
}
