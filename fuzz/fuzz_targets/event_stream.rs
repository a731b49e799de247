//! Event-stream frames: what is decoded encodes to the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::event_stream::Decoder;

fuzz_target!(|data: &[u8]| {
    let mut decoder = Decoder::new();
    decoder.feed(data);
    let mut at = 0;
    while let Ok(Some(message)) = decoder.next_message() {
        let mut bytes = Vec::new();
        message.encode(&mut bytes).expect("what was decoded can be encoded");
        assert_eq!(data[at..].get(..bytes.len()), Some(&bytes[..]));
        at += bytes.len();
    }
});
