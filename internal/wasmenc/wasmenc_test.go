package wasmenc

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestLEB128(t *testing.T) {
	for _, tc := range []struct {
		v    int32
		want string
	}{
		{0, "00"},
		{63, "3f"},
		{64, "c000"},
		{127, "ff00"},
		{128, "8001"},
		{-1, "7f"},
		{-64, "40"},
		{-65, "bf7f"},
		{-2147483648, "8080808078"},
		{2147483647, "ffffffff07"},
	} {
		if got := hex.EncodeToString(appendS32(nil, tc.v)); got != tc.want {
			t.Errorf("signed %d: got %s, want %s", tc.v, got, tc.want)
		}
	}
	for _, tc := range []struct {
		v    uint32
		want string
	}{{0, "00"}, {127, "7f"}, {128, "8001"}, {624485, "e58e26"}, {4294967295, "ffffffff0f"}} {
		if got := hex.EncodeToString(appendU32(nil, tc.v)); got != tc.want {
			t.Errorf("unsigned %d: got %s, want %s", tc.v, got, tc.want)
		}
	}
}

func TestEmptyModuleIsItsHeader(t *testing.T) {
	if got := new(Module).Bytes(); !bytes.Equal(got, Header()) {
		t.Errorf("got %x", got)
	}
}

// The expected bytes are the output of wabt's wat2wasm for
//
//	(module
//	  (import "env" "log" (func $log (param i32 i32) (result i32)))
//	  (func (export "add") (param i32 i32) (result i32)
//	    (local i32)
//	    local.get 0 local.get 1 i32.add local.tee 2
//	    if i32.const -1 i32.const 2 call $log drop end
//	    local.get 2)
//	  (memory (export "memory") 1)
//	  (global (mut i32) (i32.const 1024))
//	  (data (i32.const 8) "hi"))
//
// and a custom section behind them.
func TestModule(t *testing.T) {
	const want = "0061736d01000000" +
		"01070160027f7f017f" + // types: one, for both functions
		"020b0103656e76036c6f670000" + // imports
		"03020100" + // functions
		"0503010001" + // memory
		"0607017f014180080b" + // globals
		"071002036164640001066d656d6f72790200" + // exports
		"0a19011701017f200020016a22020440417f410210001a0b20020b" + // code
		"0b08010041080b026869" + // data
		"0007046e6f74650102" // custom

	var m Module
	log := m.Import("env", "log", Sig("ii:i"))
	m.ExportedFunc("add", Sig("ii:i"), 1, Code{}.
		LocalGet(0).LocalGet(1).I32Add().LocalTee(2).
		If(Code{}.I32Const(-1).I32Const(2).Call(log).Drop()).
		LocalGet(2))
	m.Memory(1)
	m.Global(1024)
	m.Data(8, []byte("hi"))
	m.Custom("note", []byte{1, 2})
	if got := hex.EncodeToString(m.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestImportAfterFunctionPanics(t *testing.T) {
	var m Module
	m.Func(Sig(""), 0, nil)
	defer func() {
		if recover() == nil {
			t.Error("no panic: the import would have taken a function's index")
		}
	}()
	m.Import("env", "late", Sig(""))
}
