// Stands in for node:child_process in the bundle: this program starts no other.
export function spawn() {
  throw new Error('gantry starts no other program');
}
export default { spawn };
