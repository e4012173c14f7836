"""How runs flow from assumptions to endings."""
