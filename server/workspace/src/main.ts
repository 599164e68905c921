// Begins the page that the element #workspace names.

import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import "./workspace.css";
import Artifacts from "./artifacts/Artifacts.svelte";
import VersionPage from "./artifacts/VersionPage.svelte";
import Project from "./project/Project.svelte";
import RunPage from "./run/RunPage.svelte";
import { Server } from "./wire";

const target = document.getElementById("workspace");
if (target) {
  const { page, entity, project, run, collection, version, formToken, layout } = target.dataset;
  const server = new Server(entity ?? "", project ?? "", formToken);
  target.replaceChildren();
  if (page === "project") mount(Project, { target, props: { server, saved: layout ?? "" } });
  if (page === "artifacts") mount(Artifacts, { target, props: { server } });
  if (page === "version") mount(VersionPage, { target, props: { server, collection: collection ?? "", asked: version ?? "" } });
  if (page === "run") mount(RunPage, { target, props: { server, name: run ?? "" } });
}
