import { join } from "node:path";
import { run } from "./command.ts";
import { ClusterProblem } from "./problem.ts";

/** Days that all certificates hold: a cluster for tests is gone by then. */
const days = "30";

/** Files of a certificate and its key, PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate is for: a user of the API server and its groups, or a server and its names. */
interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** As in `subjectAltName`: `IP:127.0.0.1`, `DNS:kubernetes.default.svc`. */
  readonly alternativeNames?: readonly string[];
}

/** A certificate authority in a folder, for one cluster. */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
  issue(file: string, subject: Subject): Promise<Certificate>;
}

async function openssl(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run("openssl", args);
  if (code === 0) return;
  throw new ClusterProblem(
    `openssl ${args[0]} failed: ${stderr.trim()}`,
    "install openssl 3 (apt-get install openssl)",
  );
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", days];

/** OpenSSL's form of a subject, with `/` and `=` of the names kept as they are. */
function subjectName({ commonName, organizations = [] }: Subject): string {
  const literal = (text: string): string => text.replaceAll(/[\\/+]/g, "\\$&");
  return `${organizations.map((name) => `/O=${literal(name)}`).join("")}/CN=${literal(commonName)}`;
}

/** Makes a certificate authority of its own in this folder. */
export async function createAuthority(folder: string): Promise<Authority> {
  const certificate = join(folder, "ca.crt");
  const key = join(folder, "ca.key");
  const usage = ["-addext", "keyUsage=critical,keyCertSign,digitalSignature"];
  await openssl([
    "req",
    "-x509",
    ...newKey,
    "-subj",
    "/CN=sallyport-tests",
    ...usage,
    "-keyout",
    key,
    "-out",
    certificate,
  ]);
  return {
    certificate,
    key,
    issue: async (file, subject) => {
      const made = { certificate: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) };
      const names = (subject.alternativeNames ?? []).join(",");
      const extensions = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=clientAuth,serverAuth",
        ...(names === "" ? [] : [`subjectAltName=${names}`]),
      ].flatMap((extension) => ["-addext", extension]);
      const signer = ["-CA", certificate, "-CAkey", key];
      const files = ["-keyout", made.key, "-out", made.certificate];
      await openssl(["req", "-x509", ...signer, ...newKey, "-subj", subjectName(subject), ...extensions, ...files]);
      return made;
    },
  };
}
