# Runs a Tcl script or constraints file with stand-ins for the tools' commands, each of which is known by name and by
# the least number of its words: `tclsh tcl_check.tcl FILE...`. What a tool would do is not done.

set commands {
    create_project 1 add_files 1 set_property 3 update_compile_order 2 current_fileset 0
    ipx::package_project 8 ipx::current_core 0 ipx::infer_bus_interface 3 ipx::infer_bus_interfaces 2
    ipx::get_bus_interfaces 1 ipx::associate_bus_interfaces 5 ipx::add_bus_parameter 2 ipx::get_bus_parameters 1
    ipx::create_xgui_files 1 ipx::update_checksums 1 ipx::check_integrity 1 ipx::save_core 1
    create_clock 5 get_ports 1
}
namespace eval ipx {}
set called {}
foreach {command least} $commands {
    proc $command args [string map [list @COMMAND@ $command @LEAST@ $least] {
        lappend ::called @COMMAND@
        if {[llength $args] < @LEAST@} {
            error "@COMMAND@ has too few words: $args"
        }
        return @COMMAND@
    }]
}

foreach file $argv {
    set channel [open $file]
    set text [read $channel]
    close $channel
    if {![info complete $text]} {
        error "$file ends within a word"
    }
    set called {}
    set argv {}
    source $file
    if {[string match *.tcl $file]} {
        set packaged [lsearch $called ipx::package_project]
        if {$packaged < 0 || $packaged > [lsearch $called ipx::current_core]} {
            error "$file uses a core before there is one"
        }
        if {[lindex $called end] ne "ipx::save_core"} {
            error "$file does not save the core at its end"
        }
    } elseif {"create_clock" ni $called} {
        error "$file has no clock"
    }
    puts "PASS: [file tail $file], [llength $called] commands"
}
