import { z } from "zod";
import { selector } from "../../crds/selector.ts";

/** API version of EKS's `SecurityGroupPolicy`, where its CRD is installed (section 7 of the contract). */
export const securityGroupPolicyVersion = "vpcresources.k8s.aws/v1beta1";

/** Plural name, as in the path of a request. */
export const securityGroupPolicyPlural = "securitygrouppolicies";

/** Annotation of a SecurityGroup that says which id of EC2 it stands for. */
export const groupIdAnnotation = "sallyport.dev/ec2-group-id";

/**
 * The part of the policy that is read. Its own CRD has checked it; a selector that is written as null or that is none
 * of Kubernetes' makes the policy as good as absent.
 */
export const securityGroupPolicy = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.looseObject({
    podSelector: selector.optional(),
    serviceAccountSelector: selector.optional(),
    securityGroups: z.looseObject({ groupIds: z.array(z.string()).default([]) }).prefault({}),
  }),
});
