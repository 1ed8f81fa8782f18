//! Breaks shards in the ways that real ones are broken, and in some that only an adversary thinks of.

use crate::dice::Dice;
use crate::shards::{ShardFormat, ShardRecord};

/// What is put before the first member of an object.
const MEMBERS: [&str; 9] = [
    "\"content\":\"another\",",
    "\"content\":null,",
    "\"c\\u006fntent\":\"another\",",
    "\"id\":\"0\",\"id\":\"1\",",
    "\"n\":NaN,",
    "\"n\":01,",
    "\"lone\":\"\\ud800\",",
    "\"files\":[],",
    "\"extra\":{\"raw\":[null,1e999,true]},",
];

/// What stands where a text stood.
const VALUES: [&str; 7] = ["null", "7", "true", "[]", "[\"a\",\"b\"]", "{\"content\":\"a\"}", "\"\""];

/// Returns a damaged shard of records.
#[must_use]
pub fn damaged_records(format: ShardFormat, records: &[ShardRecord], dice: &mut Dice) -> Vec<u8> {
    if format.is_lines() && !dice.is_one_in(4) {
        let lines = damaged_lines(format.lines(records), dice);
        return format.packed(&lines);
    }
    let mut records = records.to_vec();
    if dice.is_one_in(2) {
        for _ in 0..1 + dice.below(3) {
            let at = dice.below(records.len());
            if let Some(record) = records.get_mut(at) {
                change(record, dice);
            }
        }
        if dice.is_one_in(3) {
            return format.bytes(&records);
        }
    }
    damaged(format.bytes(&records), dice)
}

/// Changes what a record says.
fn change(record: &mut ShardRecord, dice: &mut Dice) {
    match dice.below(6) {
        0 => record.content = None,
        1 => record.content = Some(String::new()),
        2 => record.git_blob = Some("0".repeat(dice.below(50))),
        3 => record.content = record.content.take().map(|text| text.replace('\n', "\r\n")),
        4 => record.content = record.content.take().map(|text| format!("\u{feff}{text}")),
        _ => *record = ShardRecord::default(),
    }
}

/// Returns bytes that were cut off, turned over, lost, doubled or put elsewhere.
#[must_use]
pub fn damaged(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..1 + dice.below(2) {
        let at = dice.below(bytes.len());
        let length = dice.below(bytes.len() - at).min(1 + dice.below(200));
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 | 2 => {
                for _ in 0..1 + dice.below(8) {
                    let at = dice.below(bytes.len());
                    bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << dice.below(8));
                }
            }
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let again: Vec<u8> = bytes.get(at..at + length).unwrap_or_default().to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let noise: Vec<u8> = (0..1 + dice.below(16)).map(|_| dice.throw().to_le_bytes()[0]).collect();
                bytes.splice(at..at, noise);
            }
        }
    }
    bytes
}

/// Damages lines of JSON.
fn damaged_lines(lines: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = lines.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(lines.len());
        let Some(line) = lines.get_mut(at) else { break };
        match dice.below(12) {
            0 | 1 => drop(line.splice(1..1, dice.one_of(&MEMBERS).bytes())),
            2 => {
                let value: &&str = dice.one_of(&VALUES);
                *line = with_value(line, value);
            }
            3 => drop(line.splice(0..0, "\u{feff}".bytes())),
            4 => {
                let deep = 20 + dice.below(400);
                let value = format!("\"deep\":{}{},", "[".repeat(deep), "]".repeat(deep));
                line.splice(1..1, value.bytes());
            }
            5 => drop(line.splice(0..0, b" \t\r\n\n".iter().copied())),
            // The next line follows on the same one.
            6 => drop(line.pop()),
            7 => {
                let cut = dice.below(line.len());
                line.insert(cut, b'\n');
            }
            // No UTF-8, as of a file that was Latin-1.
            8 => {
                let cut = dice.below(line.len());
                line.insert(cut, 0xe9);
            }
            // UTF-16 among UTF-8.
            9 => *line = line.iter().flat_map(|byte| [*byte, 0]).collect(),
            10 => {
                let fill = vec![b'x'; 3000 + dice.below(3000)];
                let value = [b"\"fill\":\"".as_slice(), &fill, b"\","].concat();
                line.splice(1..1, value);
            }
            _ => *line = damaged(std::mem::take(line), dice),
        }
    }
    lines.concat()
}

/// Puts another value in the place of the text, which goes on under another name.
fn with_value(line: &[u8], value: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(line).into_owned();
    text.replacen("\"content\":", &format!("\"content\":{value},\"raw_code\":"), 1).into_bytes()
}
