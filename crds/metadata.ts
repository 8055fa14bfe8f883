import { z } from "zod";
import { boundedMap } from "./map.ts";
import { text, textForms } from "./text.ts";

/** Labels of any object. */
const labels = boundedMap(
  text(textForms.labelKey, "Label key."),
  text(textForms.labelValue, "Label value."),
  256,
  "Labels, which selectors match.",
);

const annotations = boundedMap(
  text(textForms.annotationKey, "Annotation key."),
  z.string().max(262_144).meta({ description: "Annotation value." }),
  256,
  "Annotations.",
);

const timestamp = z.string().max(64).nullable();

/** Fields that the API server keeps; a manifest that was read back from a cluster has them. */
const common = {
  name: text(textForms.objectName, "Name of the object."),
  labels: labels.optional(),
  annotations: annotations.optional(),
  uid: z.string().max(128).optional().meta({ description: "Set by the API server." }),
  resourceVersion: z.string().max(128).optional().meta({ description: "Set by the API server." }),
  generation: z.int().optional().meta({ description: "Set by the API server: counts changes of the spec." }),
  creationTimestamp: timestamp.optional().meta({ description: "Set by the API server." }),
  deletionTimestamp: timestamp.optional().meta({ description: "Set by the API server when deletion was asked for." }),
  deletionGracePeriodSeconds: z.int().optional().meta({ description: "Set by the API server." }),
  finalizers: z.array(z.string().max(317)).max(64).optional().meta({ description: "What holds a deletion (S-19)." }),
  ownerReferences: z
    .array(z.record(z.string(), z.unknown()))
    .max(64)
    .optional()
    .meta({ description: "Objects that this one goes with." }),
  managedFields: z
    .array(z.record(z.string(), z.unknown()))
    .max(256)
    .optional()
    .meta({ description: "Set by the API server: who wrote which field." }),
  generateName: z.string().max(253).optional().meta({ description: "Ignored: the name must be given." }),
};

/** Metadata of a namespaced object; the namespace is `default` when omitted, as with kubectl. */
export const namespacedMetadata = z
  .strictObject({
    namespace: text(textForms.namespaceName, "Namespace of the object.").default("default"),
    ...common,
  })
  .meta({ description: "Standard object metadata." });

/** Metadata of a cluster-scoped object. */
export const clusterMetadata = z.strictObject(common).meta({ description: "Standard object metadata." });

/** Metadata of a core object in a namespace: what is read is checked, the rest is kept. */
export const coreNamespacedMetadata = z.looseObject({
  name: common.name,
  namespace: text(textForms.namespaceName, "Namespace of the object.").default("default"),
  labels: labels.optional(),
  annotations: annotations.optional(),
  uid: common.uid,
});

/** Metadata of a cluster-scoped core object. */
export const coreClusterMetadata = z.looseObject({
  name: common.name,
  labels: labels.optional(),
  annotations: annotations.optional(),
  uid: common.uid,
});

/** Status of a user object. The operator writes it; readers of manifests keep it as it is. */
export const status = z
  .record(z.string(), z.unknown())
  .optional()
  .meta({ description: "Written by the operator only." });
