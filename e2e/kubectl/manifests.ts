/** A Deployment that the specs change in one way or another. */
export function deployment(
  name: string,
  options: { replicas?: number; image?: string; cpu?: string } = {},
): string {
  const { replicas = 2, image = 'web:1', cpu = '10m' } = options;
  return `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: { app: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: ${image}
          ports: [{ containerPort: 80 }]
          resources: { requests: { cpu: ${cpu}, memory: 16Mi } }
`;
}

export function configMap(name: string, data: Record<string, string>): string {
  const metadata = { name };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}
