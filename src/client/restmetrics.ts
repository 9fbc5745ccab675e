/** What clients ask, under upstream's names. */
import { Counter, Histogram, metrics } from '../apimachinery/metrics.ts';

const durations = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const sizes = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

export const requestsTotal = metrics.add(new Counter('rest_client_requests_total', 'Requests by answer, method and server.', ['code', 'host', 'method']));
export const requestRetries = metrics.add(new Counter('rest_client_request_retries_total', 'Requests that were sent again.', ['code', 'verb', 'host']));
export const requestDurations = metrics.add(
  new Histogram('rest_client_request_duration_seconds', 'Time until the answer began, by verb and server.', durations, ['host', 'verb']),
);
export const requestSizes = metrics.add(new Histogram('rest_client_request_size_bytes', 'Bytes of requests, by verb and server.', sizes, ['host', 'verb']));
