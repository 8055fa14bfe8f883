/**
 * Writes `abi.generated.ts`, the view that TypeScript has of `datapath/bpf/abi.h`, from the type information in the
 * compiled object: the layout is what the compiler made of it. With `--check` it only compares, and exits 1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type Btf, findBtfSection, parseBtf } from "../loader/btf.ts";

const here = (path: string): URL => new URL(path, import.meta.url);
const headers = ["../bpf/abi.h", "../bpf/abi_policy.h", "../bpf/abi_records.h"].map(here);
const object = here("../../build/bpf/sallyport.bpf.o");
const target = here("abi.generated.ts");

/** Names of the structs or enums that the headers define, in their order. */
function definitions(kind: "struct" | "enum", text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^${kind} (\\w+) \\{$`, "gm"))].map(([, name = ""]) => name);
}

/** What the object has under that name. A type that nothing refers to is not in it. */
function found<T>(types: ReadonlyMap<string, T>, name: string): T {
  const type = types.get(name);
  if (type === undefined) throw new Error(`${name} of abi.h is not in the object: add it to union abi_types there`);
  return type;
}

function renderStruct(name: string, btf: Btf): string {
  const { size, members } = found(btf.structs, name);
  const fields = members.map((member) => `      ${member.name}: ${member.offset},\n`).join("");
  return `  ${name}: {\n    size: ${size},\n    fields: {\n${fields}    },\n  },\n`;
}

function renderEnum(name: string, btf: Btf): string {
  return found(btf.enums, name)
    .map(([constant, value]) => `  ${constant}: ${value},\n`)
    .join("");
}

function render(headerText: string, btf: Btf): string {
  const structs = definitions("struct", headerText).map((name) => renderStruct(name, btf));
  const enums = definitions("enum", headerText).map((name) => renderEnum(name, btf));
  return `// Generated from the BTF of build/bpf/sallyport.bpf.o; do not edit.

/** Sizes and field offsets in bytes of the structs of datapath/bpf/abi.h. */
export const structs = {
${structs.join("")}} as const;

/** The enumerators of datapath/bpf/abi.h. */
export const constants = {
${enums.join("")}} as const;
`;
}

/** Exit code of the command. */
function run(checkOnly: boolean): number {
  const text = render(
    headers.map((header) => readFileSync(header, "utf8")).join("\n"),
    parseBtf(findBtfSection(readFileSync(object))),
  );
  if (!checkOnly) {
    writeFileSync(target, text);
    return 0;
  }
  if (readFileSync(target, "utf8") === text) return 0;
  process.stderr.write("datapath/agent/abi.generated.ts does not agree with abi.h as compiled: npm run generate\n");
  return 1;
}

process.exitCode = run(process.argv.includes("--check"));
