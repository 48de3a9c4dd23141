//! The bursts of several readers on one channel of read addresses.

use crate::bus::place::BLOCK_BITS;
use crate::rtl::{bits_for, lit, Expr, Module};

const DOC: &str = "\
Read addresses of several readers, one after the other: each reader's turn comes again behind those of
the others that ask.

Promise: `granted` of a reader is high, while it asks, in the cycle in which its burst is taken, of one
reader at a time; the burst is offered from the next cycle on, with the reader's number as its ID, and
stays until it is taken. A burst in every cycle. Valid is low in reset and at the first edge after it.";

/// What the block is asked, by one reader.
pub(super) fn asking(reader: usize) -> [String; 4] {
    ["asks", "address", "last_word", "granted"].map(|what| format!("{what}_{reader}"))
}

/// Builds the block for so many readers, with addresses in words of so many bits.
pub fn requests(name: &str, readers: usize, word_address_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let ports: Vec<[Expr; 4]> = (0..readers)
        .map(|reader| {
            let [asks, address, last_word, granted] = asking(reader);
            [
                m.input(&asks, 1, "a burst is wanted"),
                m.input(&address, word_address_bits, "of its first word, in words"),
                m.input(&last_word, BLOCK_BITS, "words behind the first"),
                m.output(&granted, 1, "it is taken"),
            ]
        })
        .collect();
    let id_bits = bits_for(readers as u64 - 1);
    let valid_port = m.output("request_valid", 1, "");
    let ready = m.input("request_ready", 1, "");
    let id_port = m.output("request_id", id_bits, "");
    let address_port = m.output("request_address", word_address_bits, "");
    let last_port = m.output("request_last_word", BLOCK_BITS, "");

    let valid = m.reg("valid", 1, 0, "a burst is offered");
    let id = m.data_reg("id", id_bits, "");
    let address = m.data_reg("address", word_address_bits, "");
    let last_word = m.data_reg("last_word", BLOCK_BITS, "");
    let turn = m.reg("turn", id_bits, 0, "the reader that comes first");
    let open = m.net("open", 1, "none is offered, or it is taken");
    let grants: Vec<Expr> = (0..readers)
        .map(|reader| m.net(&format!("grants_{reader}"), 1, ""))
        .collect();
    m.comb(|b| {
        b.set(&open, &(!&valid.q | &ready));
        b.when(&open, |b| b.set(&valid.d, &lit(0, 1)));
        for grant in &grants {
            b.set(grant, &lit(0, 1));
        }
        b.comment("The first one that asks, from the one whose turn it is on.");
        b.case(&turn.q, readers, |b, first| {
            // The last assignment counts: the farthest is looked at first.
            for distance in (0..readers).rev() {
                let reader = (first + distance) % readers;
                b.when(&ports[reader][0], |b| {
                    for (index, grant) in grants.iter().enumerate() {
                        b.set(grant, &lit((index == reader).into(), 1));
                    }
                });
            }
        });
        for (reader, [_, its_address, its_last, _]) in ports.iter().enumerate() {
            b.when(&(&grants[reader] & &open), |b| {
                b.set(&valid.d, &lit(1, 1));
                b.set(&id.d, &lit(reader as u64, id_bits));
                b.set(&address.d, its_address);
                b.set(&last_word.d, its_last);
                b.set(&turn.d, &lit(((reader + 1) % readers) as u64, id_bits));
            });
        }
    });
    for (port, value) in [
        (&valid_port, &valid),
        (&id_port, &id),
        (&address_port, &address),
        (&last_port, &last_word),
    ] {
        m.assign(port, &value.q);
    }
    for ([.., granted], grant) in ports.iter().zip(&grants) {
        m.assign(granted, &(grant & &open));
    }
    m
}
