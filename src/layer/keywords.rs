//! Words that cannot name a module.

/// Whether IEEE 1364-2005 (Verilog) or IEEE 1800-2017 (SystemVerilog) reserves the word. Both count, because tools
/// read a `.v` file as either.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

/// Sorted, for the search.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "accept_on", "alias", "always", "always_comb", "always_ff", "always_latch", "and", "assert",
    "assign", "assume", "automatic", "before", "begin", "bind", "bins", "binsof", "bit", "break",
    "buf", "bufif0", "bufif1", "byte", "case", "casex", "casez", "cell", "chandle", "checker",
    "class", "clocking", "cmos", "config", "const", "constraint", "context", "continue", "cover",
    "covergroup", "coverpoint", "cross", "deassign", "default", "defparam", "design", "disable",
    "dist", "do", "edge", "else", "end", "endcase", "endchecker", "endclass", "endclocking",
    "endconfig", "endfunction", "endgenerate", "endgroup", "endinterface", "endmodule",
    "endpackage", "endprimitive", "endprogram", "endproperty", "endsequence", "endspecify",
    "endtable", "endtask", "enum", "event", "eventually", "expect", "export", "extends", "extern",
    "final", "first_match", "for", "force", "foreach", "forever", "fork", "forkjoin", "function",
    "generate", "genvar", "global", "highz0", "highz1", "if", "iff", "ifnone", "ignore_bins",
    "illegal_bins", "implements", "implies", "import", "incdir", "include", "initial", "inout",
    "input", "inside", "instance", "int", "integer", "interconnect", "interface", "intersect",
    "join", "join_any", "join_none", "large", "let", "liblist", "library", "local", "localparam",
    "logic", "longint", "macromodule", "matches", "medium", "modport", "module", "nand", "negedge",
    "nettype", "new", "nexttime", "nmos", "nor", "noshowcancelled", "not", "notif0", "notif1",
    "null", "or", "output", "package", "packed", "parameter", "pmos", "posedge", "primitive",
    "priority", "program", "property", "protected", "pull0", "pull1", "pulldown", "pullup",
    "pulsestyle_ondetect", "pulsestyle_onevent", "pure", "rand", "randc", "randcase",
    "randsequence", "rcmos", "real", "realtime", "ref", "reg", "reject_on", "release", "repeat",
    "restrict", "return", "rnmos", "rpmos", "rtran", "rtranif0", "rtranif1", "s_always",
    "s_eventually", "s_nexttime", "s_until", "s_until_with", "scalared", "sequence", "shortint",
    "shortreal", "showcancelled", "signed", "small", "soft", "solve", "specify", "specparam",
    "static", "string", "strong", "strong0", "strong1", "struct", "super", "supply0", "supply1",
    "sync_accept_on", "sync_reject_on", "table", "tagged", "task", "this", "throughout", "time",
    "timeprecision", "timeunit", "tran", "tranif0", "tranif1", "tri", "tri0", "tri1", "triand",
    "trior", "trireg", "type", "typedef", "union", "unique", "unique0", "unsigned", "until",
    "until_with", "untyped", "use", "uwire", "var", "vectored", "virtual", "void", "wait",
    "wait_order", "wand", "weak", "weak0", "weak1", "while", "wildcard", "wire", "with", "within",
    "wor", "xnor", "xor",
];

/// Whether a port or another net of some engine's top module has this name. Tools refuse a module with a net of its own
/// name.
pub(super) fn is_net(word: &str) -> bool {
    let counted = word.strip_suffix("_event").unwrap_or(word);
    NET_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        || NETS.binary_search(&counted).is_ok()
}

/// How the streams and the bus begin, what is configured, what is counted of `tlast`, and what streams do.
const NET_PREFIXES: [&str; 7] = [
    "s_axis_", "m_axis_", "s_axi_", "cfg_", "CFG_", "tlast_", "streams_",
];

/// The others, sorted, for the search.
#[rustfmt::skip]
const NETS: &[&str] = &[
    "abort", "accumulate_waits", "aclk", "alive", "all_taken", "aresetn", "busy", "checking",
    "clear_counters", "clear_saturations", "closes", "core_aresetn", "count", "counter",
    "counter_read", "cycles", "data_waits", "error", "error_cause", "frame_done", "frames_ahead", "frames_begin",
    "frames_done", "frames_less_1", "irq", "job_aresetn",
    "job_done", "job_ends", "job_runs", "jobs_done", "mask_waits", "misplaced", "next", "next_told",
    "refused", "refused_cause", "refused_word", "result_waits", "rounding_seed", "running", "saturations", "start",
    "table_data", "table_locked", "table_strobe", "table_word", "table_write", "takes_over",
    "waiting", "weight_waits", "weights_begin",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_nets() {
        assert!(NETS.is_sorted());
        for word in ["aclk", "weights_begin", "cycles_event", "s_axi_wdata"] {
            assert!(is_net(word), "{word}");
        }
        for word in ["bpa_engine", "start_engine", "strided", "event"] {
            assert!(!is_net(word), "{word}");
        }
    }

    #[test]
    fn the_search_finds_every_keyword() {
        assert!(KEYWORDS.is_sorted());
        for word in [
            "module",
            "wire",
            "uwire",
            "logic",
            "always_ff",
            "xor",
            "accept_on",
        ] {
            assert!(is_keyword(word), "{word}");
        }
        for word in ["strided", "Module", "clk"] {
            assert!(!is_keyword(word), "{word}");
        }
    }
}
