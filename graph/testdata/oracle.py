# Graphs of several kinds, and what NetworkX makes of them: the oracle of TestAgainstNetworkX. Prints one JSON object a line.
import fractions
import itertools
import json
import random

import networkx as nx
from networkx.algorithms import community
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python as pagerank  # needs no numpy


def graphs():
    for seed in range(5):
        yield f"gnp sparse {seed}", nx.gnp_random_graph(45, 0.05, seed=seed)
        yield f"gnp dense {seed}", nx.gnp_random_graph(30, 0.4, seed=seed)
        yield f"preferential {seed}", nx.barabasi_albert_graph(50, 3, seed=seed)
        yield f"small world {seed}", nx.watts_strogatz_graph(45, 6, 0.1, seed=seed)
        yield f"clustered power law {seed}", nx.powerlaw_cluster_graph(45, 3, 0.6, seed=seed)
        yield f"geometric {seed}", nx.random_geometric_graph(45, 0.25, seed=seed)
        yield f"planted {seed}", nx.planted_partition_graph(4, 11, 0.5, 0.03, seed=seed)
        yield f"two modes {seed}", nx.bipartite.random_graph(20, 30, 0.1, seed=seed)
        yield f"regular {seed}", nx.random_regular_graph(4, 40, seed=seed)
        yield f"caveman {seed}", nx.relaxed_caveman_graph(6, 7, 0.2, seed=seed)
    yield "path", nx.path_graph(30)
    yield "star", nx.star_graph(12)
    yield "complete", nx.complete_graph(9)
    yield "without edges", nx.empty_graph(4)
    yield "grid", nx.convert_node_labels_to_integers(nx.grid_2d_graph(6, 7))
    yield "Les Miserables", nx.les_miserables_graph()
    yield "karate club", nx.karate_club_graph()
    yield "Florentine families", nx.florentine_families_graph()


def measures(g, weight, length):
    n = g.number_of_nodes()
    rank = pagerank(g, alpha=0.85, tol=1e-15, max_iter=100000, weight=weight)
    betweenness = nx.betweenness_centrality(g, normalized=False, weight=length)
    harmonic = nx.harmonic_centrality(g, distance=length)
    return {
        "strength": [d for _, d in sorted(g.degree(weight=weight))],
        "betweenness": [float(betweenness[i]) for i in range(n)],
        "harmonic": [float(harmonic[i]) for i in range(n)],
        "pagerank": [rank[i] for i in range(n)],
    }


def group_betweenness(g, group):
    """By its definition where there are more than two nodes: NetworkX's own is too large for some of these sets."""
    if len(group) <= 2:
        return nx.group_betweenness_centrality(g, group, normalized=False)
    group, total = set(group), 0
    part = {i: number for number, nodes in enumerate(nx.connected_components(g)) for i in nodes}
    for s, t in itertools.combinations(set(g) - group, 2):
        if part[s] == part[t]:
            paths = list(nx.all_shortest_paths(g, s, t))
            total += sum(not group.isdisjoint(p) for p in paths) / len(paths)
    return total


for number, (name, g) in enumerate(graphs()):
    g.remove_edges_from(list(nx.selfloop_edges(g)))
    g = nx.convert_node_labels_to_integers(nx.Graph(g), ordering="sorted")
    r = random.Random(number)
    named = name in ("Les Miserables", "karate club")
    for _, _, d in g.edges(data=True):
        # In fractions no two lengths differ by rounding.
        d["length"] = fractions.Fraction(1, int(d["weight"]) if named else r.randrange(1, 9))
        d["weight"] = float(1 / d["length"])
    n = g.number_of_nodes()
    sets = [r.sample(range(n), k) for k in (1, 2, n // 4) if 0 < k < n - 1]
    best = max((community.louvain_communities(g, weight="weight", seed=s) for s in range(2)),
               key=lambda c: community.modularity(g, c, weight="weight"), default=[]) if g.number_of_edges() else [{i} for i in g]
    of = [0] * n
    for c, members in enumerate(best):
        for i in members:
            of[i] = c
    core = nx.core_number(g)
    print(json.dumps({
        "name": name, "nodes": n, "edges": [[a, b, d["weight"]] for a, b, d in g.edges(data=True)],
        "unweighted": measures(g, None, None), "weighted": measures(g, "weight", "length"),
        "core": [core[i] for i in range(n)],
        "sets": sets,
        "group_degree": [nx.group_degree_centrality(g, s) for s in sets],
        "group_betweenness": [group_betweenness(g, s) for s in sets] if n > 4 and g.number_of_edges() else [],
        "communities": of,
        "modularity": community.modularity(g, best, weight="weight") if g.number_of_edges() else 0,
        "projected": [[a, b, d["weight"]] for a, b, d in
                      nx.bipartite.weighted_projected_graph(g, range(20)).edges(data=True)] if name.startswith("two modes") else None,
        "ties": [[a, b, d["weight"]] for a, b, d in
                 nx.bipartite.collaboration_weighted_projected_graph(g, range(20)).edges(data=True)] if name.startswith("two modes") else None,
    }))
