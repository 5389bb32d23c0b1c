//! Which encoding a text file is in, and its bytes as UTF-8, piece by piece.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// The encoding.
    pub encoding: &'static Encoding,
    /// Length of the byte-order mark.
    pub mark: usize,
}

/// The encoding of a file that begins with `bytes`; `whole` if that is all of it.
pub fn guess(bytes: &[u8], whole: bool) -> Guess {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Guess { encoding, mark };
    }
    Guess { encoding: wide(bytes).unwrap_or_else(|| narrow(bytes, whole)), mark: 0 }
}

/// The encoding that a person named, and the length of a mark that fits it.
pub fn named(label: &str, bytes: &[u8]) -> Option<Guess> {
    let encoding = Encoding::for_label(label.trim().as_bytes())?;
    let mark = Encoding::for_bom(bytes).filter(|(e, _)| *e == encoding).map_or(0, |(_, n)| n);
    Some(Guess { encoding, mark })
}

/// UTF-16 without a mark: every other byte of ordinary text is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let n = bytes.len().min(4096) & !1;
    if n < 8 {
        return None;
    }
    let zeros = |from: usize| bytes[from..n].iter().step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > n * 2 && even * 20 < odd {
        Some(UTF_16LE)
    } else if even * 10 > n * 2 && odd * 20 < even {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn narrow(bytes: &[u8], whole: bool) -> &'static Encoding {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A character cut in two by the end of the sample is no error.
        Err(e) => e.error_len().is_none() && !whole,
    };
    if valid {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, whole);
    let mut found = detector.guess(None, Utf8Detection::Deny);
    if !found.is_single_byte() && bytes.iter().filter(|b| !b.is_ascii()).count() <= 24 {
        // Two or three East Asian words fit several encodings; then the language of this program decides.
        found = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    }
    // A short Chinese text looks like Western accents to the detector; common characters in whole pairs give it away.
    if found == GBK || (found.is_single_byte() && common_chinese(bytes)) { GB18030 } else { found }
}

fn common_chinese(bytes: &[u8]) -> bool {
    let (mut pairs, mut common, mut i) = (0usize, 0usize, 0usize);
    while i < bytes.len() {
        let lead = bytes[i];
        if lead < 0x80 {
            i += 1;
            continue;
        }
        match bytes.get(i + 1) {
            None => break,
            Some(trail) if (0x81..=0xFE).contains(&lead) && *trail >= 0x40 && *trail != 0x7F => {
                pairs += 1;
                let hanzi = (0xB0..=0xD7).contains(&lead) && *trail >= 0xA1;
                let sign = matches!(lead, 0xA1 | 0xA3) && *trail >= 0xA1;
                common += usize::from(hanzi || sign);
                i += 2;
            }
            Some(trail) if trail.is_ascii_digit() => i += 4,
            Some(_) => return false,
        }
    }
    pairs >= 2 && common * 10 >= pairs * 8
}

/// The name by which the analyst knows it.
pub fn name(encoding: &'static Encoding) -> String {
    if encoding == GBK { "gb18030".to_owned() } else { encoding.name().to_ascii_lowercase() }
}

/// Turns pieces of bytes into pieces of text.
pub struct Transcoder {
    decoder: Decoder,
    /// Bytes of a mark still to be passed over.
    skip: usize,
}

impl Transcoder {
    /// Begins at the start of a file.
    pub fn new(guess: Guess) -> Self {
        Self { decoder: guess.encoding.new_decoder_without_bom_handling(), skip: guess.mark }
    }

    /// Adds the text of `bytes` to `text`; returns whether some bytes meant nothing (they become `�`).
    pub fn feed(&mut self, bytes: &[u8], last: bool, text: &mut String) -> bool {
        let skip = self.skip.min(bytes.len());
        self.skip -= skip;
        let mut rest = &bytes[skip..];
        let mut bad = false;
        loop {
            text.reserve(self.decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len()).max(16));
            let (result, read, errors) = self.decoder.decode_to_string(rest, text, last);
            bad |= errors;
            rest = &rest[read..];
            if result == CoderResult::InputEmpty {
                return bad;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(bytes: &[u8]) -> String {
        name(guess(bytes, true).encoding)
    }

    #[test]
    fn encodings_are_found() {
        let zh = "用户,评论,评分\n张三,味道很好,五\n李四,送餐太慢了,二\n";
        assert_eq!(encoding(zh.as_bytes()), "utf-8");
        assert_eq!(encoding(&GB18030.encode(zh).0), "gb18030");
        assert_eq!(encoding(&GB18030.encode("a,b\n1,好吃\n").0), "gb18030", "a short one too");
        let fr = "nom,ville\nAndré,Besançon\nZoé,Nîmes\nRené,Orléans\n";
        assert_eq!(encoding(&encoding_rs::WINDOWS_1252.encode(fr).0), "windows-1252");
        let ko = "이름,도시\n김철수,서울특별시\n이영희,부산광역시\n박민수,대구에서 왔습니다\n";
        assert_eq!(encoding(&encoding_rs::EUC_KR.encode(ko).0), "euc-kr");
        let ja = "名前,感想\n田中,とてもおいしかったです\n鈴木,配達がおそかったです\n";
        assert_eq!(encoding(&encoding_rs::SHIFT_JIS.encode(ja).0), "shift_jis");
        let bytes: Vec<u8> = "a,b\n1,2\n3,4\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(encoding(&bytes), "utf-16le");
        assert_eq!(guess(b"\xEF\xBB\xBFa,b", true).mark, 3);
        assert_eq!(name(guess("好".as_bytes().split_last().unwrap().1, false).encoding), "utf-8", "cut in two");
    }

    #[test]
    fn text_in_pieces_is_whole() {
        let zh = "用户,评论\n张三,味道很好\n";
        let bytes = GB18030.encode(zh).0;
        let mut t = Transcoder::new(Guess { encoding: GB18030, mark: 0 });
        let mut text = String::new();
        for (i, b) in bytes.iter().enumerate() {
            assert!(!t.feed(&[*b], i + 1 == bytes.len(), &mut text));
        }
        assert_eq!(text, zh);
        let mut t = Transcoder::new(Guess { encoding: UTF_8, mark: 0 });
        let mut text = String::new();
        assert!(t.feed(b"a\xFFb", true, &mut text));
        assert_eq!(text, "a\u{FFFD}b");
    }
}
