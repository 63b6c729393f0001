"""How one attempt is measured: build, apply knobs, warm up, count runs, sum them up, restore."""
