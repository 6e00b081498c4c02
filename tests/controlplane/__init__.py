"""The real Kubernetes control plane for tests and for `make demo`, without containers.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler are built from their Go modules, and kwok plays the
nodes and kubelets, so rollouts really happen; only images are not pulled and no container runs.
"""
