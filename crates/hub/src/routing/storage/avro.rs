//! Avro object containers: one record schema, one block a file.
//!
//! Source: Apache Avro 1.11, "Object Container Files" and "Binary Encoding". The schema is the one that Microsoft's page on
//! reading routed blobs with U-SQL and Spark reads: the time, two maps of strings, and the body.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use iolite_kernel::iso_seven_digits;

use super::record;
use crate::routing::Routable;

const MAGIC: &[u8] = b"Obj\x01";
const SCHEMA: &str = r#"{"type":"record","name":"Message","namespace":"Microsoft.Azure.Devices","fields":[{"name":"EnqueuedTimeUtc","type":"string"},{"name":"Properties","type":{"type":"map","values":"string"}},{"name":"SystemProperties","type":{"type":"map","values":"string"}},{"name":"Body","type":["null","bytes"]}]}"#;

/// Appends the event as one datum of a block.
pub(super) fn write_datum(event: &Routable<'_>, out: &mut Vec<u8>) {
    put_bytes(out, iso_seven_digits(event.at).as_bytes());
    put_map(out, record::properties(event));
    let system = event.system_properties();
    put_map(out, system.iter().map(|(name, value)| (*name, &**value)));
    // The second branch of the union.
    put_long(out, 1);
    put_bytes(out, &event.message.body);
}

/// A whole file of one block with `count` data.
pub(super) fn file(data: &[u8], count: usize, deflated: bool, sync: [u8; 16]) -> Vec<u8> {
    let codec = if deflated { "deflate" } else { "null" };
    let mut out = MAGIC.to_vec();
    put_map(&mut out, [("avro.schema", SCHEMA), ("avro.codec", codec)].into_iter());
    out.extend_from_slice(&sync);
    put_long(&mut out, i64::try_from(count).unwrap_or(i64::MAX));
    if deflated {
        put_bytes(&mut out, &deflate(data));
    } else {
        put_bytes(&mut out, data);
    }
    out.extend_from_slice(&sync);
    out
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    encoder.write_all(data).ok();
    encoder.finish().unwrap_or_default()
}

/// A map is blocks of entries; here one, and the empty one that ends it.
fn put_map<'a>(out: &mut Vec<u8>, entries: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
    if entries.len() > 0 {
        put_long(out, i64::try_from(entries.len()).unwrap_or(i64::MAX));
        for (name, value) in entries {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }
    put_long(out, 0);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(bytes);
}

/// Zigzag, then seven bits a byte, the lowest first.
fn put_long(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use iolite_kernel::Timestamp;
    use iolite_messaging::{Message, SystemName};

    use super::*;
    use crate::routing::Source;

    /// Reads what the specification says, and nothing else of this file's.
    struct Reader<'b>(&'b [u8]);

    impl<'b> Reader<'b> {
        fn long(&mut self) -> i64 {
            let (mut number, mut shift) = (0u64, 0);
            loop {
                let (first, rest) = self.0.split_first().unwrap();
                self.0 = rest;
                number |= u64::from(first & 0x7f) << shift;
                shift += 7;
                if first & 0x80 == 0 {
                    return (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
                }
            }
        }

        fn bytes(&mut self) -> &'b [u8] {
            let length = usize::try_from(self.long()).unwrap();
            self.take(length)
        }

        fn take(&mut self, length: usize) -> &'b [u8] {
            let (taken, rest) = self.0.split_at(length);
            self.0 = rest;
            taken
        }

        fn text(&mut self) -> String {
            String::from_utf8(self.bytes().to_vec()).unwrap()
        }

        fn map(&mut self) -> Vec<(String, String)> {
            let mut entries = Vec::new();
            loop {
                let count = self.long();
                if count == 0 {
                    return entries;
                }
                for _ in 0..count {
                    entries.push((self.text(), self.text()));
                }
            }
        }
    }

    #[test]
    fn longs_are_written_as_the_specification_shows() {
        for (number, expected) in [
            (0, &[0u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut out = Vec::new();
            put_long(&mut out, number);
            assert_eq!(out, expected, "{number}");
        }
    }

    #[test]
    fn a_file_is_read_back_by_the_specification_s_rules() {
        let mut message = Message::of(vec![0u8, 255, 7]);
        message.set_system(SystemName::MessageId, "m");
        message.properties.push(("level".into(), Some("storage".into())));
        let event = Routable {
            source: Source::DeviceMessages,
            message: &message,
            origin: None,
            at: Timestamp::UNIX_EPOCH,
            partition: 0,
        };
        for deflated in [false, true] {
            let mut data = Vec::new();
            write_datum(&event, &mut data);
            write_datum(&event, &mut data);
            let file = file(&data, 2, deflated, [9; 16]);
            let mut reader = Reader(&file);
            assert_eq!(reader.take(4), MAGIC);
            let metadata = reader.map();
            assert!(serde_json::from_str::<serde_json::Value>(&metadata[0].1).unwrap()["fields"].is_array());
            assert_eq!(metadata[1].1, if deflated { "deflate" } else { "null" });
            assert_eq!(reader.take(16), [9; 16]);
            assert_eq!(reader.long(), 2);
            let mut block = reader.bytes().to_vec();
            assert_eq!((reader.take(16), reader.0), (&[9; 16][..], &[][..]));
            if deflated {
                let mut plain = Vec::new();
                flate2::read::DeflateDecoder::new(&block[..]).read_to_end(&mut plain).unwrap();
                block = plain;
            }
            let mut datum = Reader(&block);
            for _ in 0..2 {
                assert_eq!(datum.text(), "1970-01-01T00:00:00.0000000Z");
                assert_eq!(datum.map(), [("level".to_owned(), "storage".to_owned())]);
                assert_eq!(datum.map()[0], ("messageId".to_owned(), "m".to_owned()));
                assert_eq!((datum.long(), datum.bytes()), (1, &[0u8, 255, 7][..]));
            }
            assert!(datum.0.is_empty());
        }
    }
}
