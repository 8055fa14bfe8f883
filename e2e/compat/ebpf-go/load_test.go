// Package compat shows that Sallyport's object is one that the Go library of Cilium's loads, configures, pins and
// attaches without knowing anything of Sallyport.
package compat

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

const (
	object = "../../../build/bpf/sallyport.bpf.o"
	slots  = 16
)

func load(t *testing.T, pins string) (*ebpf.CollectionSpec, *ebpf.Collection) {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		t.Fatalf("read the object (npm run setup builds it): %v", err)
	}
	for name, value := range map[string]any{"endpoint_mask": uint32(slots - 1), "standing_clock": uint32(1), "connection_buckets": uint32(1024)} {
		if err := spec.Variables[name].Set(value); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
	}
	spec.Maps["endpoints"].MaxEntries = slots
	spec.Maps["connections"].MaxEntries = 1024
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Maps: ebpf.MapOptions{PinPath: pins},
	})
	if err != nil {
		t.Fatalf("load: %+v", err)
	}
	t.Cleanup(collection.Close)
	return spec, collection
}

func attach(t *testing.T, program *ebpf.Program, device int, point ebpf.AttachType, anchor link.Anchor) {
	t.Helper()
	attached, err := link.AttachTCX(link.TCXOptions{Interface: device, Program: program, Attach: point, Anchor: anchor})
	if err != nil {
		t.Fatalf("attach %v: %v", program, err)
	}
	t.Cleanup(func() { attached.Close() })
}

// counting makes a program that lets all packets on to the next one and counts them in the first entry of a map.
func counting(t *testing.T) (*ebpf.Program, *ebpf.Map) {
	t.Helper()
	seen, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { seen.Close() })
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.LoadMapPtr(asm.R1, seen.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "next"),
			asm.Mov.Imm(asm.R1, 1),
			asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
			asm.Mov.Imm(asm.R0, -1).WithSymbol("next"),
			asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, seen
}

func count(t *testing.T, seen *ebpf.Map) uint64 {
	t.Helper()
	var packets uint64
	if err := seen.Lookup(uint32(0), &packets); err != nil {
		t.Fatal(err)
	}
	return packets
}

// send puts one UDP datagram of 198.51.100.1 to 198.51.100.2 on the wire of a device.
func send(t *testing.T, device int) {
	t.Helper()
	frame := []byte{
		0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2,
		0x9c, 0x40, 0, 9, 0, 8, 0, 0,
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	if err := unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: device, Halen: 6}); err != nil {
		t.Fatal(err)
	}
}

func TestObjectIsOneOfCiliumsLibrary(t *testing.T) {
	pins := enterSandbox(t)
	spec, collection := load(t, pins)

	for name, declared := range spec.Maps {
		_, err := os.Stat(filepath.Join(pins, name))
		if pinned := declared.Pinning == ebpf.PinByName; pinned != (err == nil) {
			t.Errorf("map %s: declared to be pinned: %t; its pin: %v", name, pinned, err)
		}
	}

	ip(t, "link add host type veth peer name pod")
	for _, name := range []string{"host", "pod"} {
		// Without an address of its own a device sends nothing unasked.
		ip(t, "link set "+name+" addrgenmode none")
		ip(t, "link set "+name+" up")
	}
	host, err := net.InterfaceByName("host")
	if err != nil {
		t.Fatal(err)
	}
	pod, err := net.InterfaceByName("pod")
	if err != nil {
		t.Fatal(err)
	}
	behind, seen := counting(t)
	attach(t, behind, host.Index, ebpf.AttachTCXIngress, link.Tail())
	attach(t, collection.Programs["from_pod"], host.Index, ebpf.AttachTCXIngress, link.Head())
	attach(t, collection.Programs["to_pod"], host.Index, ebpf.AttachTCXEgress, link.Head())

	endpoints, counters := collection.Maps["endpoints"], collection.Maps["endpoint_counters"]
	fields := layoutOf(t, endpoints)
	endpoint := make([]byte, endpoints.ValueSize())
	fields.setUint32(t, endpoint, "ifindex", uint32(host.Index))
	slot := uint32(host.Index % slots)
	fields.setUint32(t, endpoint, "id", slot)
	if err := endpoints.Put(slot, endpoint); err != nil {
		t.Fatal(err)
	}

	send(t, pod.Index)
	if got := count(t, seen); got != 0 {
		t.Errorf("a closed endpoint let %d packets through to the next program", got)
	}
	closed := enumValue(t, spec.Types, "reason", "REASON_NOT_PROGRAMMED")
	if got := dropped(t, counters, closed); got != 1 {
		t.Errorf("endpoint_counters has %d packets that were dropped as not programmed, want 1", got)
	}

	programmed := enumValue(t, spec.Types, "policy_flag", "POLICY_PROGRAMMED")
	fields.setUint64(t, endpoint, "policy", programmed<<32)
	if err := endpoints.Put(slot, endpoint); err != nil {
		t.Fatal(err)
	}
	send(t, pod.Index)
	if got := count(t, seen); got != 1 {
		t.Errorf("the next program saw %d packets of an endpoint without a group, want 1", got)
	}

	if err := endpoints.Lookup(slot, &endpoint); err != nil {
		t.Fatal(err)
	}
	if got := fields.uint32(t, endpoint, "ifindex"); got != uint32(host.Index) {
		t.Errorf("endpoints[%d].ifindex is %d by the map's BTF, want %d", slot, got, host.Index)
	}
}

// dropped adds up what all CPUs counted of the egress packets of the first endpoint with this reason.
func dropped(t *testing.T, counters *ebpf.Map, reason uint64) uint64 {
	t.Helper()
	var perCPU [][]byte
	if err := counters.Lookup(uint32(0), &perCPU); err != nil {
		t.Fatal(err)
	}
	return sumOfEgress(t, layoutOf(t, counters), perCPU, reason)
}
