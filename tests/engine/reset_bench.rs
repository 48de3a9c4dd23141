//! A testbench in plain Verilog that powers an engine up with every register unknown, resets it in the middle of
//! whatever it does, and runs a job after each reset. It runs in Icarus.
//!
//! It looks at every pin at every edge: from the first edge on that saw `aresetn` low no output is unknown (what goes
//! with a `valid` may be while that is low), and at an edge behind such a one nothing is ready, valid or told.

use std::fmt::Write as _;

use bpa_engine::interface::{Direction, Port};
use bpa_hdl::registers::map::{Kind, RegisterMap};
use tempfile::TempDir;

use crate::icarus_tool;

/// How the pins of the register bus begin, and those of the stream out.
const BUS: &str = "s_axi_";

/// Beats of a stream, and of one frame or set of them.
pub struct Beats {
    /// Name of its ports, without what differs.
    pub port: &'static str,
    /// All that a job takes, or gives.
    pub bytes: Vec<u8>,
    /// Beats from one `tlast` to the next.
    pub of_frame: u64,
}

/// The registers of a programmable engine, and a job.
pub struct Registers<'a> {
    /// All registers.
    pub map: &'a RegisterMap,
    /// Words of the job, each with its address.
    pub words: Vec<(u64, u32)>,
}

/// What the testbench is told of an engine.
pub struct Subject<'a> {
    /// Name of the engine.
    pub name: &'a str,
    /// Its text.
    pub verilog: &'a str,
    /// Its ports.
    pub ports: Vec<Port>,
    /// Streams in.
    pub sources: Vec<Beats>,
    /// The stream out.
    pub results: Beats,
    /// Where there are any.
    pub registers: Option<Registers<'a>>,
    /// What `rounding_seed` is while `aresetn` is low.
    pub rounding_seed: u32,
}

/// One power-up: edges of its reset, and resets in all.
pub struct Run {
    pub edges: u32,
    pub resets: u32,
}

/// Resets that came in the middle of these.
const SEEN: [&str; 4] = [
    "a set of weights",
    "frames",
    "a result that waits",
    "an access",
];

/// What is under way when the reset comes, by the testbench's number.
const IDLE: usize = 0;
const ACCESS: usize = 1;
const WEIGHTS: usize = 2;
const FRAMES: usize = 3;
const STRAY_TLASTS: usize = 4;
const CHECK: usize = 5;
const REFUSED: usize = 6;

impl Subject<'_> {
    /// Powers up with resets of so many edges, each as often as it says, and resets the engine, for one edge mostly,
    /// until there were so many resets. Panics with what is wrong, or if nothing was ever in the middle of something.
    pub fn check(&self, runs: &[Run]) {
        let folder = self.folder();
        let mut seen = [0; SEEN.len()];
        for Run { edges, resets } in runs {
            let words = [
                format!("+edges={edges}"),
                format!("+resets={resets}"),
                format!("+seed={}", edges + 1),
            ];
            let said = icarus_tool::simulate(folder.path(), &words.each_ref().map(String::as_str));
            let passed = said.lines().find_map(|line| line.strip_prefix("PASS"));
            let passed = passed.unwrap_or_else(|| panic!("{} with {words:?}: {said}", self.name));
            for (all, here) in seen.iter_mut().zip(passed.split_whitespace()) {
                *all += here.parse::<u32>().unwrap();
            }
        }
        println!("{}: {SEEN:?} {seen:?}", self.name);
        let expected = match self.registers {
            Some(_) => &seen[..],
            None => &seen[..SEEN.len() - 1],
        };
        assert!(
            expected.iter().all(|resets| *resets > 0),
            "{}: {SEEN:?}: {seen:?}",
            self.name
        );
    }

    fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        for beats in self.sources.iter().chain([&self.results]) {
            write(&format!("{}.hex", beats.port), &self.hex(beats));
        }
        if let Some(registers) = &self.registers {
            let mut text = String::new();
            for (offset, word) in &registers.words {
                let _ = writeln!(text, "{offset:08x}{word:08x}");
            }
            write("words.hex", &text);
        }
        write("engine.v", self.verilog);
        write("testbench.v", &self.testbench());
        icarus_tool::compile(folder.path(), "-g2005", &["testbench.v", "engine.v"]);
        folder
    }

    fn width(&self, wanted: &str) -> usize {
        let port = self.ports.iter().find(|port| port.name == wanted);
        port.unwrap_or_else(|| panic!("no port {wanted}")).width
    }

    /// Beats of a stream.
    fn beats(&self, beats: &Beats) -> usize {
        8 * beats.bytes.len() / self.width(&format!("{}_tdata", beats.port))
    }

    /// A beat a line, most significant digit first.
    fn hex(&self, beats: &Beats) -> String {
        let bytes = self.width(&format!("{}_tdata", beats.port)) / 8;
        let mut text = String::new();
        for beat in beats.bytes.chunks(bytes) {
            for byte in beat.iter().rev() {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// The outputs that are always known, and zero behind a reset: all but what goes with a `valid`.
    fn flags(&self) -> Vec<&str> {
        let outputs = self
            .ports
            .iter()
            .filter(|port| port.direction == Direction::Output);
        let payload = ["_tdata", "_tlast", "_bresp", "_rresp", "_rdata"];
        let flags = outputs
            .map(|port| port.name.as_str())
            .filter(|name| !payload.iter().any(|end| name.ends_with(end)));
        flags.collect()
    }

    fn testbench(&self) -> String {
        let mut nets = String::new();
        let mut pins = Vec::new();
        for port in &self.ports {
            let (name, high) = (&port.name, port.width - 1);
            let kind = match port.direction {
                Direction::Input => "reg ",
                Direction::Output => "wire",
            };
            let _ = writeln!(nets, "  {kind} [{high}:0] {name};");
            pins.push(format!("    .{name}({name})"));
        }
        let sources: String = self
            .sources
            .iter()
            .map(|beats| self.source(beats))
            .collect();
        let each = |line: &dyn Fn(&str) -> String| -> String {
            self.sources.iter().map(|beats| line(beats.port)).collect()
        };
        let all = self.beats(&self.results);
        let flags = self.flags().join(", ");
        let sink = self.results.port;
        let out_high = self.width(&format!("{sink}_tdata")) - 1;
        let seed = match self.ports.iter().any(|port| port.name == "rounding_seed") {
            true => format!(
                "  // Taken in reset, and unknown else.\n  always @* rounding_seed = aresetn ? 31'bx : 31'd{};\n",
                self.rounding_seed
            ),
            false => String::new(),
        };
        format!(
            "`timescale 1ns / 1ps
module testbench;
{nets}  integer seed, edges, resets, episode, kind, stall, back_pressure, cycle;
  integer amount, in_weights, in_frames, in_wait, in_access;
  reg clear, stray, reset_before, powered;

  {name} engine (
{pins}
  );

  always #5 aclk = ~aclk;
  always @(posedge aclk) begin
    cycle <= cycle + 1;
    if (cycle > 3000000) fail(\"stuck\");
  end
{seed}
  // What stands on the pins at each edge.
  reg waited;
  reg [{out_high} + 1:0] held;
  always @(posedge aclk) begin
    if (powered && ^{{{flags}}} === 1'bx) fail(\"an output is unknown\");
    if (reset_before && {{{flags}}} !== 0) fail(\"an output is not quiet behind an edge of reset\");
    if (powered && {sink}_tvalid && ^{{{sink}_tdata, {sink}_tlast}} === 1'bx) fail(\"a result is unknown\");
    if (waited && !reset_before && ({sink}_tvalid !== 1'b1 || held !== {{{sink}_tdata, {sink}_tlast}}))
      fail(\"a result was not taken and did not stay\");
    held <= {{{sink}_tdata, {sink}_tlast}};
    waited <= aresetn && {sink}_tvalid && !{sink}_tready;
    reset_before <= aresetn === 1'b0;
    if (aresetn === 1'b0) powered <= 1'b1;
  end
{sources}
  // Results since the reset.
  reg [{out_high}:0] result_beats [0:{all} - 1];
  integer results, frames;
  always @(negedge aclk) {sink}_tready <= !clear && {{$random(seed)}} % 100 >= back_pressure;
  always @(posedge aclk)
    if (aresetn !== 1'b1) begin
      results <= 0;
      frames <= 0;
    end else begin
      if (frame_done === 1'b1) frames <= frames + 1;
      if ({sink}_tvalid === 1'b1 && {sink}_tready) begin
        if (results >= {all}) fail(\"too many results\");
        if ({sink}_tdata !== result_beats[results]) fail(\"a wrong value\");
        if ({sink}_tlast !== (results % {of_frame} == {of_frame} - 1)) fail(\"a wrong tlast\");
        results <= results + 1;
      end
    end

  task fail(input [60 * 8:1] what);
    begin
      $display(\"FAIL %0s in cycle %0d, episode %0d of kind %0d, result %0d\", what, cycle, episode, kind, results);
      $finish;
    end
  endtask
  task reset(input integer edges);
    begin
      aresetn = 1'b0;
      clear = 1'b1;
      stray = 1'b0;
{quiet_bus}      repeat (edges) @(posedge aclk);
      #1 aresetn = 1'b1;
      clear = 1'b0;
    end
  endtask
  // The beats of a job: all, or only those of weights.
  task offer(input all, input [7:0] most);
    begin
      stall = {{$random(seed)}} % most;
      back_pressure = {{$random(seed)}} % most;
{all_on}      {WEIGHT}_on = 1'b1;
    end
  endtask
{bus}
  // Something begins, and is in the middle when the reset comes.
  task disturb;
    begin
      if (kind == {WEIGHTS} || kind == {FRAMES} || kind == {STRAY_TLASTS}) begin
        stray = kind == {STRAY_TLASTS};
        offer(kind != {WEIGHTS}, 90);
        {tell}
      end
      fork
        begin : activity
          case (kind)
            {IDLE}: ;
{disturbances}          endcase
        end
        begin
          amount = {{$random(seed)}} % 1000;
          if (kind == {WEIGHTS})
            while ({WEIGHT}_next < 1 + amount % ({set} - 1)) @(posedge aclk);
          else if (kind == {FRAMES} || kind == {STRAY_TLASTS})
            while (results < 1 + amount % ({all} - 1)) @(posedge aclk);
          repeat ({{$random(seed)}} % (kind == {ACCESS} || kind >= {CHECK} ? {others} : 8)) @(posedge aclk);
          #1 disable activity;
        end
      join
    end
  endtask
  // A job runs from its beginning to its end.
  task complete(input at_once);
    begin
      if (at_once) offer(1'b1, 40);
      {begin_job}
      if (!at_once) offer(1'b1, 40);
      while (results != {all}) @(posedge aclk);
      repeat (100) @(posedge aclk);
      #1;
      if (results != {all} || frames != {frames} || busy || error || error_cause != 0) fail(\"the end of a job\");
{end_job}    end
  endtask

  initial begin
    if (!$value$plusargs(\"edges=%d\", edges)) edges = 1;
    if (!$value$plusargs(\"resets=%d\", resets)) resets = 1;
    if (!$value$plusargs(\"seed=%d\", seed)) seed = 1;
    $readmemh(\"{sink}.hex\", result_beats);
{files}    aclk = 1'b0;
    aresetn = 1'b1;
    clear = 1'b1;
    powered = 1'b0;
    reset_before = 1'b0;
    waited = 1'b0;
    cycle = 0;
    episode = 0;
    kind = 0;
    stall = 0;
    back_pressure = 0;
    in_weights = 0;
    in_frames = 0;
    in_wait = 0;
    in_access = 0;
{quiet_bus}    repeat (2) @(posedge aclk);
    #1 reset(edges);
    for (episode = 0; episode < resets; episode = episode + 1) begin
      if (episode > 0) begin
        kind = episode % {kinds};
        reset(1);
        disturb;
        in_weights = in_weights + ({WEIGHT}_next > 0 && {WEIGHT}_next < {set});
        in_frames = in_frames + (results > 0 && results < {all});
        in_wait = in_wait + ({sink}_tvalid && !{sink}_tready);
        in_access = in_access + {accesses};
        reset(episode / {kinds} % 2 == 0 ? 1 : 1 + {{$random(seed)}} % 3);
      end
      if (episode % 2 == 0) begin
{fresh}        complete(1'b0);
      end else complete(1'b1);
    end
    $display(\"PASS %0d %0d %0d %0d\", in_weights, in_frames, in_wait, in_access);
    $finish;
  end
endmodule
",
            name = self.name,
            pins = pins.join(",\n"),
            of_frame = self.results.of_frame,
            frames = all as u64 / self.results.of_frame,
            all_on = each(&|port| format!("      {port}_on = all;\n")),
            WEIGHT = bpa_engine::interface::WEIGHT,
            files = each(&|port| format!("    $readmemh(\"{port}.hex\", {port}_beats);\n    {port}_taken = 0;\n")),
            set = self.beats(&self.sources[1]),
            quiet_bus = self.quiet_bus(),
            bus = self.bus(),
            tell = if self.registers.is_some() { "tell;" } else { "" },
            begin_job = if self.registers.is_some() { "tell;" } else { "" },
            end_job = match &self.registers {
                Some(_) => "      registers(1'b0);\n      if (event_value !== 1) fail(\"the event of a job\");\n",
                None => "",
            },
            fresh = if self.registers.is_some() { "        registers(1'b1);\n" } else { "" },
            accesses = match &self.registers {
                Some(_) => "(s_axi_awvalid || s_axi_bready || s_axi_arvalid || s_axi_rready)",
                None => "0",
            },
            kinds = if self.registers.is_some() { 7 } else { 5 },
            others = self.registers.as_ref().map_or(8, |it| 4 * it.words.len()),
            disturbances = self.disturbances(),
        )
    }

    /// A stream in: its beats are offered at random, unknown between.
    fn source(&self, beats: &Beats) -> String {
        let Beats { port, of_frame, .. } = beats;
        let width = self.width(&format!("{port}_tdata"));
        let (high, all) = (width - 1, self.beats(beats));
        format!(
            "
  // {port}: offered at random, unknown between.
  reg [{high}:0] {port}_beats [0:{all} - 1];
  reg {port}_on, {port}_taken;
  integer {port}_next;
  always @(posedge aclk) {port}_taken <= aresetn && {port}_tvalid && {port}_tready === 1'b1;
  always @(negedge aclk) begin
    if (clear) begin
      {port}_next = 0;
      {port}_tvalid = 1'b0;
      {port}_on = 1'b0;
    end else if ({port}_taken) begin
      {port}_next = {port}_next + 1;
      {port}_tvalid = 1'b0;
    end
    if (!{port}_tvalid) begin
      {port}_tdata = {{{width}{{1'bx}}}};
      {port}_tlast = 1'bx;
      if ({port}_on && {port}_next < {all} && {{$random(seed)}} % 100 >= stall) begin
        {port}_tvalid = 1'b1;
        {port}_tdata = {port}_beats[{port}_next];
        {port}_tlast = {port}_next % {of_frame} == {of_frame} - 1;
        if (stray && {{$random(seed)}} % 4 == 0) {port}_tlast = ~{port}_tlast;
      end
    end
  end
"
        )
    }

    /// Whether a port is the bus master's.
    fn of_master(port: &Port) -> bool {
        port.name.starts_with(BUS) && port.direction == Direction::Input
    }

    fn quiet_bus(&self) -> String {
        let master = self.ports.iter().filter(|port| Self::of_master(port));
        let flags = master.filter(|port| port.width == 1);
        flags
            .map(|port| format!("      {} = 1'b0;\n", port.name))
            .collect()
    }

    /// Accesses to registers.
    fn bus(&self) -> String {
        let Some(Registers { map, words }) = &self.registers else {
            return String::new();
        };
        let mut looks = String::new();
        for register in map.registers() {
            let first = match register.kind {
                Kind::Table { .. } => continue,
                _ => register.value(),
            };
            let (name, offset) = (&register.name, register.offset);
            // Streams are ready behind a reset.
            let fresh = if name == "streams" { "1'b0" } else { "fresh" };
            let _ = writeln!(
                looks,
                "      look({offset}, {fresh}, 32'd{first}, \"{name} is unknown\", \"{name} is not as after a reset\");"
            );
            if name == "event" {
                looks += "      event_value = s_axi_rdata;\n";
            }
        }
        let [command, enable] = ["command", "event_enable"].map(|name| map.named(name).offset);
        format!(
            "
  // The register bus.
  reg [63:0] words [0:{count} - 1];
  reg [31:0] event_value;
  reg sent_address, sent_data, answered;
  initial $readmemh(\"words.hex\", words);
  task write(input [31:0] address, input [31:0] data);
    begin
      s_axi_awaddr = address;
      s_axi_awprot = 0;
      s_axi_wdata = data;
      s_axi_wstrb = 4'hf;
      s_axi_awvalid = 1'b1;
      s_axi_wvalid = 1'b1;
      s_axi_bready = 1'b1;
      answered = 1'b0;
      while (!answered) begin
        @(posedge aclk);
        sent_address = s_axi_awready;
        sent_data = s_axi_wready;
        answered = s_axi_bvalid;
        if (answered && ^s_axi_bresp === 1'bx) fail(\"a response is unknown\");
        #1;
        if (sent_address) s_axi_awvalid = 1'b0;
        if (sent_data) s_axi_wvalid = 1'b0;
      end
      s_axi_bready = 1'b0;
    end
  endtask
  task read(input [31:0] address);
    begin
      s_axi_araddr = address;
      s_axi_arprot = 0;
      s_axi_arvalid = 1'b1;
      s_axi_rready = 1'b1;
      answered = 1'b0;
      while (!answered) begin
        @(posedge aclk);
        sent_address = s_axi_arready;
        answered = s_axi_rvalid;
        #1;
        if (sent_address) s_axi_arvalid = 1'b0;
      end
      s_axi_rready = 1'b0;
    end
  endtask
  task look(
    input [31:0] address, input fresh, input [31:0] first, input [60 * 8:1] unknown, input [60 * 8:1] other
  );
    begin
      read(address);
      if (^{{s_axi_rdata, s_axi_rresp}} === 1'bx) fail(unknown);
      if (fresh && s_axi_rdata !== first) fail(other);
    end
  endtask
  // Every register; in a fresh engine that nothing is offered to, with what it holds at first.
  task registers(input fresh);
    begin
{looks}    end
  endtask
  integer word;
  task fill;
    for (word = 0; word < {count}; word = word + 1) write(words[word][63:32], words[word][31:0]);
  endtask
  task tell;
    begin
      fill;
      write({command}, 1);
    end
  endtask
  task accesses;
    forever begin
      write({enable}, ~0);
      write(words[{{$random(seed)}} % {count}][63:32], $random(seed));
      registers(1'b0);
    end
  endtask
",
            count = words.len(),
        )
    }

    /// What only software can begin.
    fn disturbances(&self) -> String {
        let Some(Registers { map, .. }) = &self.registers else {
            return String::new();
        };
        let command = map.named("command").offset;
        // A word that can be too large, of the last ones, so that its number is not zero.
        let table: Vec<_> = map.table().collect();
        let (register, most) = table
            .iter()
            .rev()
            .find(|(_, most)| *most < u32::MAX)
            .unwrap();
        format!(
            "            {ACCESS}: accesses;
            {CHECK}: begin
              write({command}, 1);
              write({command}, 1);
              accesses;
            end
            {REFUSED}: begin
              write({offset}, 32'd{above});
              write({command}, 1);
              accesses;
            end
",
            offset = register.offset,
            above = u64::from(*most) + 1,
        )
    }
}
