#compdef gantry
# zsh completion for gantry: source <(gantry completion zsh)
autoload -U +X bashcompinit && bashcompinit
# bash completion for gantry: source <(gantry completion bash)
__gantry_names() {
  gantry get "$1" -o name --request-timeout 2s 2>/dev/null | sed 's|.*/||'
}
_gantry() {
  local current="${COMP_WORDS[COMP_CWORD]}" verb="" type="" subs="" flags="" word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="${COMP_WORDS[index]}"
    case "$word" in
      -*) ;;
      *) if [ -z "$verb" ]; then verb="$word"; elif [ -z "$type" ]; then type="$word"; fi ;;
    esac
  done
  if [ -z "$verb" ]; then
    COMPREPLY=($(compgen -W "apply get describe why simulate rebalance logs exec run scale rollout delete image top cordon uncordon drain token config explain api-resources version completion" -- "$current"))
    return
  fi
  case "$verb" in
    apply) subs="" flags="--filename --recursive --server-side --force-conflicts --field-manager --dry-run --validate --output --kubeconfig --context --namespace --request-timeout" ;;
    get) subs="" flags="--output --watch --selector --field-selector --all-namespaces --show-labels --no-headers --kubeconfig --context --namespace --request-timeout" ;;
    describe) subs="" flags="--selector --all-namespaces --kubeconfig --context --namespace --request-timeout" ;;
    why) subs="" flags="--output --kubeconfig --context --namespace --request-timeout" ;;
    simulate) subs="" flags="--filename --recursive --nodes --beside --cluster --output --kubeconfig --context --namespace --request-timeout" ;;
    rebalance) subs="" flags="--max-moves --yes --no-wait --output --kubeconfig --context --namespace --request-timeout" ;;
    logs) subs="" flags="--follow --previous --container --all-containers --selector --tail --since --since-time --timestamps --limit-bytes --prefix --kubeconfig --context --namespace --request-timeout" ;;
    exec) subs="" flags="--container --stdin --tty --kubeconfig --context --namespace --request-timeout" ;;
    run) subs="" flags="--image --env --restart --node --detach --timeout --kubeconfig --context --namespace --request-timeout" ;;
    scale) subs="" flags="--replicas --current-replicas --kubeconfig --context --namespace --request-timeout" ;;
    rollout) subs="status undo history restart pause resume" flags="" ;;
    delete) subs="" flags="--filename --recursive --selector --field-selector --all --all-namespaces --wait --timeout --grace-period --now --force --cascade --ignore-not-found --dry-run --output --kubeconfig --context --namespace --request-timeout" ;;
    image) subs="ls pull push tag pin unpin rm prune inspect history save load import export" flags="" ;;
    top) subs="node pod" flags="" ;;
    cordon) subs="" flags="--kubeconfig --context --namespace --request-timeout" ;;
    uncordon) subs="" flags="--kubeconfig --context --namespace --request-timeout" ;;
    drain) subs="" flags="--ignore-daemonsets --delete-emptydir-data --force --grace-period --timeout --kubeconfig --context --namespace --request-timeout" ;;
    token) subs="create list delete" flags="" ;;
    config) subs="view get-contexts current-context use-context" flags="" ;;
    explain) subs="" flags="--kubeconfig --context --namespace --request-timeout" ;;
    api-resources) subs="" flags="--kubeconfig --context --namespace --request-timeout" ;;
    version) subs="" flags="--client --output --kubeconfig --context --namespace --request-timeout" ;;
    completion) subs="" flags="" ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")); return ;;
  esac
  if [ -n "$subs" ] && [ -z "$type" ]; then
    COMPREPLY=($(compgen -W "$subs" -- "$current"))
    return
  fi
  case "$verb" in
    get|describe|delete|scale|explain)
      if [ -z "$type" ]; then COMPREPLY=($(compgen -W "pods nodes namespaces configmaps secrets events persistentvolumes persistentvolumeclaims deployments replicasets runtimeclasses poddisruptionbudgets priorityclasses podgroups storageclasses jointokens rebalances" -- "$current"))
      else COMPREPLY=($(compgen -W "$(__gantry_names "$type")" -- "$current")); fi ;;
    logs|exec|why) COMPREPLY=($(compgen -W "$(__gantry_names pods)" -- "$current")) ;;
    cordon|uncordon|drain) COMPREPLY=($(compgen -W "$(__gantry_names nodes)" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -F _gantry gantry
