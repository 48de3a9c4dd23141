//! A block and its rules, handed to the prover.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use bpa_hdl::config::descriptor::Descriptor;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::rtl::{print_verilog, Module, Port};

/// A broken copy: what is wrong, and text that is in the design once with what stands there instead.
pub type Broken = (&'static str, &'static str, &'static str);

/// What the rules are about.
pub struct Design {
    /// Its text.
    pub text: String,
    /// The module that they look at, and its ports.
    pub top: String,
    pub ports: Vec<Port>,
}

impl From<&Module> for Design {
    fn from(module: &Module) -> Self {
        Design {
            text: print_verilog(module),
            top: module.name().to_owned(),
            ports: module.ports(),
        }
    }
}

/// Rules of a block that are to be proved.
pub struct Proof<'a> {
    /// What the table calls the block.
    pub block: &'a str,
    /// What is proved of it.
    pub promise: &'a str,
    /// The block.
    pub design: &'a Design,
    /// Its configuration inputs that are constants, each with its value; the others may be told anything.
    pub constants: Vec<(String, u64)>,
    /// Inputs that the rules drive.
    pub given: &'a [&'a str],
    /// The rules, as they stand in the module around the block.
    pub rules: &'a str,
    /// What is defined for it.
    pub defines: Vec<(&'a str, String)>,
    /// Copies for which the proof has to fail.
    pub broken: &'a [Broken],
}

impl Proof<'_> {
    /// Proves the rules, shows that each is met, and that no broken copy passes. Prints a line of the table.
    pub fn check(&self) {
        let design = &self.design.text;
        let (code, said) = self.prove(design, &[]);
        assert_eq!(code, Some(0), "{}: {said}", self.block);
        for (what, right, wrong) in self.broken {
            let found = design.matches(right).count();
            assert_eq!(found, 1, "{}: {what}: `{right}`", self.block);
            let (code, said) = self.prove(&design.replace(right, wrong), &["refute"]);
            assert_eq!(
                code,
                Some(1),
                "{}: {what} is not refuted: {said}",
                self.block
            );
        }
        println!(
            "| {} | {} | {} | {} broken copies refuted |",
            self.block,
            self.promise,
            said.trim(),
            self.broken.len()
        );
    }

    /// The exit code of the prover on this text, and what it said.
    fn prove(&self, design: &str, args: &[&str]) -> (Option<i32>, String) {
        let folder = match std::env::var("BPA_FORMAL_TEXT") {
            Ok(folder) => Place::Kept(PathBuf::from(folder).join(&self.design.top)),
            Err(_) => Place::Passing(tempfile::tempdir().unwrap()),
        };
        let folder = folder.path();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("design.v"), design).unwrap();
        std::fs::write(folder.join("rules.sv"), self.bench()).unwrap();
        let script = scripts().join("prove.sh");
        let output = Command::new(script)
            .arg(folder.join("design.v"))
            .arg(folder.join("rules.sv"))
            .args(args)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// The module around the block and its rules. What the block is given is free, but for clock and constants.
    fn bench(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.defines {
            let _ = writeln!(text, "`define {name} {value}");
        }
        text += "`include \"rules.vh\"\n`include \"streams.sv\"\n";
        let mut inputs = vec!["input wire aclk".to_owned()];
        let mut nets = String::new();
        let mut bindings = Vec::new();
        for Port {
            name,
            width,
            inward,
        } in &self.design.ports
        {
            bindings.push(format!(".{name}({name})"));
            if name == "aclk" {
                continue;
            }
            let _ = writeln!(text, "`define W_{name} {width}");
            let range = format!("[{}:0] ", width - 1);
            let constant = self.constants.iter().find(|(port, _)| port == name);
            match (inward, constant) {
                (false, _) => {
                    let _ = writeln!(nets, "  wire {range}{name};");
                }
                (true, Some((_, value))) => {
                    let _ = writeln!(nets, "  localparam {range}{name} = {width}'d{value};");
                }
                // What the rules themselves give is no input of theirs.
                (true, None) if self.given.contains(&name.as_str()) => {
                    let _ = writeln!(nets, "  wire {range}{name};");
                }
                (true, None) => inputs.push(format!("input wire {range}{name}")),
            }
        }
        let _ = write!(
            text,
            "module rules (\n  {}\n);\n{nets}  {} dut ({});\n  // The first cycle is one of reset; from then on everything may \
             come, resets too.\n  reg began = 1'b0;\n  initial assume (!aresetn);\n  always @(posedge aclk) began <= \
             1'b1;\n{}\nendmodule\n",
            inputs.join(",\n  "),
            self.design.top,
            bindings.join(", "),
            self.rules
        );
        text
    }
}

/// A folder that stays, or one that goes with the proof.
enum Place {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Place::Kept(path) => path,
            Place::Passing(folder) => folder.path(),
        }
    }
}

/// The folder of rules and scripts.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/formal")
}

/// The configuration inputs of a block in an engine for one layer, as that engine ties them.
pub fn tied(config: Config, d: &Descriptor) -> Vec<(String, u64)> {
    let (told, _) = config.into_parts();
    told.iter()
        .map(|port| (port.port.clone(), port.value(d)))
        .collect()
}

/// The plan of a layer.
pub fn plan(toml: &str) -> Plan {
    let file: LayerFile = toml::from_str(toml).unwrap();
    Plan::new(&file.validate().unwrap())
}

/// The plan of a layer of one pixel: of what it does not say, a block has the least.
pub fn smallest() -> Plan {
    plan("name = \"only\"\n[layer]\nin_channels = 1\nout_channels = 1\nin_size = 1\nkernel = 1")
}
