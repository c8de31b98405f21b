use super::key;
use crate::store::Key;
use crate::store::seal::{MAX_BYTES, Opened, Seal};

const NAME: &str = "0123456789abcdef";
const CONTENTS: &[u8] = br#"{"number":7,"token":"s3cretT0ken"}"#;

fn encrypted(key: Key) -> Seal {
    Seal::new(Some(key))
}

fn plain() -> Seal {
    Seal::new(None)
}

/// What came out of it, in a word, having seen that contents are those that went in.
fn opened(seal: &Seal, name: &str, record: &[u8]) -> &'static str {
    match seal.open(name, record) {
        Opened::Contents(contents) => {
            assert_eq!(&**contents, CONTENTS);
            "contents"
        }
        Opened::Garbage => "garbage",
        Opened::Foreign => "foreign",
    }
}

/// Redoes the checksum, as whoever can write to the store may.
fn forged(seal: &Seal, record: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    assert_eq!(opened(seal, NAME, record), "contents");
    let mut record = record[..record.len() - 8].to_vec();
    change(&mut record);
    let hash = Sha256::digest([NAME.as_bytes(), &[0], &record].concat());
    record.extend_from_slice(&hash[..8]);
    record
}

/// F17: a record that was cut, or has a bit that flipped, is garbage, wherever that is; so is one
/// with bytes after it.
#[test]
fn a_damaged_record_is_garbage() {
    for seal in [plain(), encrypted(key(1))] {
        let record = seal.close(NAME, CONTENTS).unwrap();
        assert_eq!(opened(&seal, NAME, &record), "contents");
        for len in 0..record.len() {
            assert_eq!(
                opened(&seal, NAME, &record[..len]),
                "garbage",
                "cut at {len}"
            );
        }
        for bit in 0..8 * record.len() {
            let mut record = record.clone();
            record[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(&seal, NAME, &record), "garbage", "bit {bit}");
        }
        let longer = [&record[..], &[0]].concat();
        assert_eq!(opened(&seal, NAME, &longer), "garbage");
    }
}

/// F17: what holds without the key does not help a forger: a record that was changed or copied from
/// another account, with a checksum that fits, is garbage, and so is a plain one.
#[test]
fn a_forged_record_is_garbage() {
    let seal = encrypted(key(1));
    let record = seal.close(NAME, CONTENTS).unwrap();
    // The nonce, the contents and their tag: all after magic, version, algorithm and key id.
    for at in 14..record.len() - 8 {
        let forged = forged(&seal, &record, |record| record[at] ^= 1);
        assert_eq!(opened(&seal, NAME, &forged), "garbage", "byte {at}");
    }
    let elsewhere = seal.close("another-name", CONTENTS).unwrap();
    assert_eq!(opened(&seal, NAME, &elsewhere), "garbage");
    let copied = forged(&seal, &record, |record| {
        record.truncate(6);
        record.extend_from_slice(&elsewhere[6..elsewhere.len() - 8]);
    });
    assert_eq!(opened(&seal, NAME, &copied), "garbage");

    let plain = plain().close(NAME, CONTENTS).unwrap();
    assert_eq!(opened(&seal, NAME, &plain), "garbage");
}

/// F17: a record of a newer format, of an algorithm to come or of an unknown key is left alone.
#[test]
fn a_foreign_record_is_told_from_garbage() {
    for seal in [plain(), encrypted(key(1))] {
        let record = seal.close(NAME, CONTENTS).unwrap();
        let newer = forged(&seal, &record, |record| record[4] = 2);
        assert_eq!(opened(&seal, NAME, &newer), "foreign");
        let algorithm = forged(&seal, &record, |record| record[5] = 2);
        assert_eq!(opened(&seal, NAME, &algorithm), "foreign");
        let of_another_key = encrypted(key(2)).close(NAME, CONTENTS).unwrap();
        assert_eq!(opened(&seal, NAME, &of_another_key), "foreign");
    }
}

/// F17, F19: a record under another name is garbage, in plain text too.
#[test]
fn a_record_is_bound_to_its_name() {
    for seal in [plain(), encrypted(key(1))] {
        let record = seal.close(NAME, CONTENTS).unwrap();
        assert_eq!(opened(&seal, "another-name", &record), "garbage");
    }
}

/// F22: while the key rotates all read both keys, whichever each of them writes with.
#[test]
fn a_rotated_key_is_read() {
    let (mut before, mut after) = (encrypted(key(1)), encrypted(key(2)));
    before.also_reads(key(2));
    after.also_reads(key(1));
    for (writer, reader) in [(&before, &after), (&after, &before)] {
        let record = writer.close(NAME, CONTENTS).unwrap();
        assert_eq!(opened(reader, NAME, &record), "contents");
    }
    let record = after.close(NAME, CONTENTS).unwrap();
    assert_eq!(opened(&encrypted(key(2)), NAME, &record), "contents");
    assert_eq!(opened(&encrypted(key(1)), NAME, &record), "foreign");
}

/// F23: an encrypted record shows nothing of its contents, and no two are the same.
#[test]
fn an_encrypted_record_shows_nothing() {
    let seal = encrypted(key(1));
    let (one, other) = (seal.close(NAME, CONTENTS), seal.close(NAME, CONTENTS));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one[14..], other[14..]);
    assert!(
        !one.windows(6)
            .any(|part| CONTENTS.windows(6).any(|it| it == part))
    );
    assert!(!one.windows(8).any(|part| part == [1; 8]), "the key");
}

/// F17: no record is larger than 64 KiB: none is written, and none is read.
#[test]
fn a_large_record_is_refused() {
    let seal = plain();
    let most = vec![b'x'; MAX_BYTES - 14];
    let record = seal.close(NAME, &most).unwrap();
    assert!(matches!(seal.open(NAME, &record), Opened::Contents(_)));
    let error = seal.close(NAME, &[&most[..], b"x"].concat()).unwrap_err();
    assert!(error.is_refused());
    assert!(matches!(
        seal.open(NAME, &[0; MAX_BYTES + 1]),
        Opened::Garbage
    ));
}

/// F23: a key shows its id only, which is not a part of it.
#[test]
fn a_key_shows_its_id_only() {
    let key = Key::from_hex(&"ab".repeat(32)).unwrap();
    assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
    assert!(!key.id().contains("abab"));
    assert_eq!(key.id(), Key::new([0xab; 32]).id());
    assert_ne!(key.id(), Key::new([0xac; 32]).id());
    for wrong in [
        "",
        "ab",
        &"ab".repeat(33),
        &"xy".repeat(32),
        &"é".repeat(32),
    ] {
        let error = Key::from_hex(wrong).unwrap_err();
        assert_eq!(error.to_string(), "a key has 64 hexadecimal digits");
    }
}
