import { KernelEngine } from "./kernel.ts";
import { ModelEngine } from "./model.ts";
import type { Engine, EngineName } from "./ports.ts";

/** A new engine of that name; it costs nothing until its first scenario begins. */
export function createEngine(name: EngineName): Engine {
  switch (name) {
    case "model":
      return new ModelEngine();
    case "kernel":
      return new KernelEngine({ clock: "standing" });
  }
}
