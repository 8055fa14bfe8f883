import type { factsOf } from "../reconcile/gather.ts";
import type { ExistingObjects, PrefixListObject, Snapshot } from "../snapshot.ts";
import { PodIndex } from "./pod-index.ts";
import { Shelf } from "./shelf.ts";

/** Kinds that decisions depend on. */
export type FactKind = keyof typeof factsOf;

/** What an object of a kind says. */
type Facts<Kind extends FactKind> = NonNullable<ReturnType<(typeof factsOf)[Kind]>>;

/** An object as it is now, by `namespace/name` or `name`; absent: gone. */
export type Change = { [Kind in FactKind]: ChangeOf<Kind> }[FactKind];

/** A change that was made, with what was there before; absent: nothing. */
export type Exchange = { [Kind in FactKind]: ChangeOf<Kind> & { readonly before?: Facts<Kind> } }[FactKind];

interface ChangeOf<Kind extends FactKind> {
  readonly kind: Kind;
  readonly key: string;
  readonly after?: Facts<Kind> | undefined;
}

type Shelves = { readonly [Kind in FactKind]: Shelf<Facts<Kind>> };

interface Placed {
  readonly namespace?: string;
  readonly name: string;
}

const keyOf = ({ namespace, name }: Placed): string => (namespace === undefined ? name : `${namespace}/${name}`);

function shelf<T>(objects: readonly T[], placeOf: (object: T) => Placed): Shelf<T> {
  const made = new Shelf<T>();
  for (const object of objects) made.set(keyOf(placeOf(object)), object);
  return made;
}

const nothing: ExistingObjects = {
  ruleSets: new Map(),
  acls: new Map(),
  addressSets: new Map(),
  nodePolicies: new Map(),
};

const itself = <T>(object: T): T => object;
const refOf = <T>({ ref }: { readonly ref: T }): T => ref;

/** All objects that decisions depend on, held so that single ones can be exchanged and those of a namespace be found. */
export class HeldObjects {
  readonly pods: PodIndex;
  readonly #prefixLists: Map<string, PrefixListObject>;
  readonly #shelves: Shelves;

  constructor(snapshot: Snapshot) {
    this.pods = new PodIndex(snapshot.pods);
    this.#prefixLists = new Map(snapshot.prefixLists.map((list) => [list.ref.name, list]));
    this.#shelves = {
      SecurityGroup: shelf(snapshot.groups, refOf),
      PrefixList: shelf(snapshot.prefixLists, refOf),
      NetworkACL: shelf(snapshot.acls, refOf),
      AllowanceProfile: shelf(snapshot.profiles, refOf),
      TrackingPolicy: shelf(snapshot.trackingPolicies, refOf),
      Pod: shelf(snapshot.pods, itself),
      Namespace: shelf(snapshot.namespaces, ({ name }) => ({ name })),
      ServiceAccount: shelf(snapshot.serviceAccounts, itself),
      Service: shelf(snapshot.services, itself),
      EndpointSlice: shelf(snapshot.endpointSlices, itself),
      SecurityGroupPolicy: shelf(snapshot.policies, itself),
    };
  }

  /** By name. */
  get prefixLists(): ReadonlyMap<string, PrefixListObject> {
    return this.#prefixLists;
  }

  of<Kind extends FactKind>(kind: Kind): Pick<Shelves[Kind], "get" | "within" | "namespaces"> {
    return this.#shelves[kind];
  }

  /** Puts the object in the place of the one that was there. */
  exchange(change: Change): Exchange {
    const shelf = this.#shelves[change.kind] as Shelf<unknown>;
    const exchange = { ...change, before: shelf.get(change.key) } as Exchange;
    shelf.set(change.key, change.after);
    if (exchange.kind === "Pod") this.pods.exchange(exchange.before, exchange.after);
    if (exchange.kind === "PrefixList") {
      if (exchange.after === undefined) this.#prefixLists.delete(change.key);
      else this.#prefixLists.set(change.key, exchange.after);
    }
    return exchange;
  }

  /** Everything that decides about the pods of one namespace. `existing`: what the API has of it. */
  snapshotOf(namespace: string, existing: ExistingObjects = nothing): Snapshot {
    const all = this.#shelves;
    const own = all.Namespace.get(namespace);
    return {
      groups: all.SecurityGroup.within(namespace),
      prefixLists: all.PrefixList.within(""),
      acls: all.NetworkACL.within(namespace),
      profiles: all.AllowanceProfile.within(""),
      trackingPolicies: all.TrackingPolicy.within(""),
      pods: all.Pod.within(namespace),
      namespaces: own === undefined ? [] : [own],
      serviceAccounts: all.ServiceAccount.within(namespace),
      services: all.Service.within(namespace),
      endpointSlices: all.EndpointSlice.within(namespace),
      policies: all.SecurityGroupPolicy.within(namespace),
      existing,
      reports: new Map(),
    };
  }
}
