package compat

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// layout reads and writes the fields of a struct by the names that its BTF gives them.
type layout struct {
	of *btf.Struct
}

// layoutOf finds the type of a loaded map's values as the kernel keeps it, and not as the object file said it.
func layoutOf(t *testing.T, m *ebpf.Map) layout {
	t.Helper()
	handle, err := m.Handle()
	if err != nil {
		t.Fatalf("%v has no BTF: %v", m, err)
	}
	defer handle.Close()
	types, err := handle.Spec(nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	var found *btf.Struct
	for candidate, err := range types.All() {
		if err != nil {
			t.Fatal(err)
		}
		if composite, ok := candidate.(*btf.Struct); ok && composite.Size == info.ValueSize && composite.Name == valueTypes[info.Name] {
			found = composite
		}
	}
	if found == nil {
		t.Fatalf("the BTF of map %s has no struct %s of %d bytes", info.Name, valueTypes[info.Name], info.ValueSize)
	}
	return layout{found}
}

// valueTypes has the structs of map values, by names of maps as the kernel shortens them.
var valueTypes = map[string]string{"endpoints": "endpoint", "endpoint_counte": "endpoint_counters"}

func (l layout) offset(t *testing.T, name string) uint32 {
	t.Helper()
	for _, member := range l.of.Members {
		if member.Name == name {
			return member.Offset.Bytes()
		}
	}
	t.Fatalf("struct %s has no field %s", l.of.Name, name)
	return 0
}

func (l layout) uint32(t *testing.T, value []byte, name string) uint32 {
	return binary.NativeEndian.Uint32(value[l.offset(t, name):])
}

func (l layout) setUint32(t *testing.T, value []byte, name string, number uint32) {
	binary.NativeEndian.PutUint32(value[l.offset(t, name):], number)
}

func (l layout) setUint64(t *testing.T, value []byte, name string, number uint64) {
	binary.NativeEndian.PutUint64(value[l.offset(t, name):], number)
}

// enumValue is the number of a constant of the object's, by the enum that has it.
func enumValue(t *testing.T, types *btf.Spec, enum, name string) uint64 {
	t.Helper()
	var found *btf.Enum
	if err := types.TypeByName(enum, &found); err != nil {
		t.Fatal(err)
	}
	for _, value := range found.Values {
		if value.Name == name {
			return value.Value
		}
	}
	t.Fatalf("enum %s has no %s", enum, name)
	return 0
}

// sumOfEgress adds packets[egress][reason] of all CPUs.
func sumOfEgress(t *testing.T, counters layout, perCPU [][]byte, reason uint64) uint64 {
	t.Helper()
	for _, member := range counters.of.Members {
		if member.Name != "packets" {
			continue
		}
		directions := member.Type.(*btf.Array)
		reasons := directions.Type.(*btf.Array)
		const egress = 1
		at := uint64(member.Offset.Bytes()) + (egress*uint64(reasons.Nelems)+reason)*8
		var sum uint64
		for _, value := range perCPU {
			sum += binary.NativeEndian.Uint64(value[at:])
		}
		return sum
	}
	t.Fatal("struct endpoint_counters has no packets")
	return 0
}
