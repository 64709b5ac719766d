package debian

// unit is a file below /etc/systemd/system that the packages do not have.
type unit struct{ name, text string }

// units are the console target: a shell on the console and nothing else, chosen with systemd.unit=aramid-console.target on the kernel command
// line. It asks for nothing (DefaultDependencies=no), so that it is the least that systemd can be booted to; the shell is set up as systemd's own
// emergency.service is, but begins again when it ends.
var units = []unit{
	{"aramid-console.target", `[Unit]
Description=Aramid Console
DefaultDependencies=no
Requires=aramid-console.service
After=aramid-console.service
Conflicts=shutdown.target
AllowIsolate=yes
`},
	{"aramid-console.service", `[Unit]
Description=Aramid Console Shell
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=-/bin/sh
Environment=HOME=/root
WorkingDirectory=-/root
StandardInput=tty-force
StandardOutput=inherit
StandardError=inherit
TTYPath=/dev/console
TTYReset=yes
KillMode=process
IgnoreSIGPIPE=no
SendSIGHUP=yes
Restart=always
RestartSec=0
`},
}
