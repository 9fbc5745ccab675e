/** An ingress that names no class gets the default one. */

import { ingresses } from '../../api/networking/v1/ingress.ts';
import { ingressclasses } from '../../api/networking/v1/ingressclass.ts';
import type { Ingress } from '../../api/networking/v1/types.gen.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { handlesKind, objectOf } from './attributes.ts';
import { newestDefault } from './newestdefault.ts';

export const defaultIngressClass = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'DefaultIngressClass',
  handles: handlesKind(ingresses, 'CREATE'),
  async admit(attributes) {
    const ingress = objectOf<Ingress>(attributes);
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const found = newestDefault(await reader.list(ingressclasses), 'ingressclass.kubernetes.io/is-default-class');
    if (found) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name };
  },
});
