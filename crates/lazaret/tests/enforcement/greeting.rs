//! A TLS greeting that names a server, as RFC 8446 writes it: enough for whoever only reads the name.

/// Returns the first record that a client sends.
pub(crate) fn client_hello(name: &str) -> Vec<u8> {
    let host = with_length_2(name.as_bytes());
    let server_name = extension(0, &with_length_2(&[&[0], host.as_slice()].concat()));
    let versions = extension(43, &[2, 3, 4]);
    let groups = extension(10, &with_length_2(&[0, 29]));
    let signatures = extension(13, &with_length_2(&[4, 3, 8, 4]));
    let share = [&[0, 29], with_length_2(&[9; 32]).as_slice()].concat();
    let key_share = extension(51, &with_length_2(&share));
    let extensions = with_length_2(&[server_name, versions, groups, signatures, key_share].concat());
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend(with_length_2(&[0x13, 0x01, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(extensions);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1, length[1], length[2], length[3]], body.as_slice()].concat();
    [&[22, 3, 1], with_length_2(&message).as_slice()].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), with_length_2(data).as_slice()].concat()
}

fn with_length_2(data: &[u8]) -> Vec<u8> {
    [&u16::try_from(data.len()).unwrap().to_be_bytes(), data].concat()
}
