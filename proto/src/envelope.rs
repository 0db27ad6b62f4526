//! Envelopes in protobuf.

use prost::{DecodeError, Message};

use crate::realtime::Envelope;

/// Reads an envelope. Unknown fields are skipped, and no bytes are the empty envelope.
///
/// # Errors
///
/// If `bytes` are not an envelope: cut short, strings that are not UTF-8, wire types that do not
/// fit, or messages more than 100 deep. All a caller can do is refuse the bytes.
pub fn decode_protobuf(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    Envelope::decode(bytes)
}

/// The protobuf form of `envelope`. Maps are sorted, so equal envelopes give equal bytes.
pub fn encode_protobuf(envelope: &Envelope) -> Vec<u8> {
    envelope.encode_to_vec()
}

/// Appends the protobuf form of `envelope` to `out`.
pub fn write_protobuf(envelope: &Envelope, out: &mut Vec<u8>) {
    out.reserve(envelope.encoded_len());
    envelope
        .encode(out)
        .expect("a Vec has room for whatever fits in memory");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{envelope, mutated};

    proptest! {
        #[test]
        fn decoding_undoes_encoding(envelope in envelope()) {
            let mut appended = b"before".to_vec();
            write_protobuf(&envelope, &mut appended);
            let bytes = encode_protobuf(&envelope);
            prop_assert_eq!(appended.strip_prefix(b"before").unwrap(), &bytes);
            prop_assert_eq!(decode_protobuf(&bytes), Ok(envelope));
        }

        #[test]
        fn no_bytes_panic_the_decoder(bytes: Vec<u8>) {
            // Whether it is an envelope is up to chance.
            drop(decode_protobuf(&bytes));
        }

        #[test]
        fn no_damage_panics_the_decoder(bytes in mutated(envelope().prop_map(|e| encode_protobuf(&e)))) {
            drop(decode_protobuf(&bytes));
        }
    }

    #[test]
    fn no_bytes_are_the_empty_envelope() {
        assert_eq!(decode_protobuf(b""), Ok(Envelope::default()));
        assert_eq!(encode_protobuf(&Envelope::default()), b"");
    }

    #[test]
    fn unknown_fields_are_skipped() {
        // Field 1000, a string, before cid.
        assert_eq!(
            decode_protobuf(b"\xc2\x3e\x03abc\x0a\x011").map(|envelope| envelope.cid),
            Ok("1".to_owned())
        );
    }

    #[test]
    fn a_string_must_be_utf_8() {
        assert!(decode_protobuf(b"\x0a\x01\xff").is_err());
    }

    #[test]
    fn an_envelope_cut_short_is_refused() {
        assert!(decode_protobuf(b"\x0a\x02a").is_err());
    }

    #[test]
    fn depth_is_limited() {
        // Groups of an unknown field inside each other.
        assert!(decode_protobuf(&[0x0b; 100_000]).is_err());
    }
}
