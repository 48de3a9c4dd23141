# Packages @TOP@ as IP for Vivado's block designs:
#
#   vivado -mode batch -source @TOP@_vivado.tcl -tclargs PART
#
# The IP comes to lie in @TOP@_ip beside this script; add that folder to ip_repo_paths of a project. PART is any device
# that the installation knows, xc7a100tcsg324-1 if it is left out.
#
# NOT RUN IN VIVADO: the syntax of this script was checked, and the order of its commands, with tclsh.

set here [file dirname [file normalize [info script]]]
set part xc7a100tcsg324-1
if {[info exists argv] && [llength $argv] > 0} {
    set part [lindex $argv 0]
}

create_project -in_memory -part $part
add_files -norecurse [file join $here @TOP@.v]
if {[file exists [file join $here @TOP@.xdc]]} {
    add_files -fileset constrs_1 -norecurse [file join $here @TOP@.xdc]
}
set_property top @TOP@ [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir [file join $here @TOP@_ip] -vendor bpa-engine -library user -taxonomy /UserIP \
    -import_files -force
set core [ipx::current_core]
set_property name @TOP@ $core
set_property display_name @TOP@ $core
set_property description {@WHAT@} $core
set_property version @VERSION@ $core

# Interfaces, by the names of the ports.
ipx::infer_bus_interface aclk xilinx.com:signal:clock_rtl:1.0 $core
ipx::infer_bus_interface aresetn xilinx.com:signal:reset_rtl:1.0 $core
ipx::infer_bus_interfaces xilinx.com:interface:axis_rtl:1.0 $core
@REGISTERS@@INTERRUPT@foreach interface {@INTERFACES@} {
    if {[llength [ipx::get_bus_interfaces $interface -of_objects $core]] == 0} {
        error "no interface was found for the ports $interface"
    }
    ipx::associate_bus_interfaces -busif $interface -clock aclk $core
}
ipx::associate_bus_interfaces -clock aclk -reset aresetn $core

set_property core_revision 1 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
puts "packaged: [file join $here @TOP@_ip]"
