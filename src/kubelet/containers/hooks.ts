/** Runs postStart and preStop handlers. */
import type { Container, LifecycleHandler, Pod } from '../../api/core/v1/types.gen.ts';
import type { KubeletContext } from '../context.ts';
import { podTarget } from '../podworker/target.ts';
import { httpRequest, portOf } from '../probes/http.ts';
import { sleep } from '../runtime/pleg.ts';

/** Throws when the handler fails; the message is for logs only, since output may hold secrets. `timeout` in seconds, 0 for none. */
export async function runHook(
  context: KubeletContext,
  pod: Pod,
  container: Container,
  containerId: string,
  handler: LifecycleHandler,
  podIp: string,
  timeout = 0,
): Promise<void> {
  if (handler.exec) {
    const { exitCode, stderr } = await context.cri.execSync(containerId, handler.exec.command ?? [], timeout);
    if (exitCode !== 0) throw new Error(`command exited with ${exitCode}: ${stderr.toString().slice(0, 200)}`);
  } else if (handler.httpGet) {
    const { host, path = '', port, scheme = 'HTTP', httpHeaders = [] } = handler.httpGet;
    const request = {
      host: host || podIp,
      port: portOf(port, container),
      path: path || '/',
      headers: httpHeaders,
      userAgent: `kube-lifecycle/${context.options.kubernetesVersion ?? '1.36'}`,
      timeoutMs: timeout ? timeout * 1000 : 60_000,
    };
    const secure = scheme.toUpperCase() === 'HTTPS';
    try {
      await httpRequest({ ...request, secure });
    } catch (error) {
      const plain = secure && (error as NodeJS.ErrnoException).code === 'ERR_SSL_WRONG_VERSION_NUMBER';
      if (!plain) throw error;
      context.events.event(podTarget(pod), 'Warning', 'LifecycleHTTPFallback', `request to HTTPS lifecycle hook ${host || podIp} was answered with HTTP`);
      await httpRequest({ ...request, secure: false });
    }
  } else if (handler.sleep) await sleep(handler.sleep.seconds * 1000);
  else throw new Error(`invalid handler: ${JSON.stringify(handler)}`);
}
