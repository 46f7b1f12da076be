"""The renderer: a scene's folder in, pictures out; run as a program by an interpreter with bpy.

    python blender.py FOLDER THREADS

FOLDER holds scene.json and scene.npz, as `scene.write_scene` writes them. Each view NAME becomes
NAME.npy, HxWx5 float32: linear RGB premultiplied by the fourth channel, a rough opacity, and the
opacity itself. This file imports nothing of the package, since the interpreter that has bpy
(Blender as a Python module) need not have the package.

Opacity has a pass of its own: surfaces that only shine take no bounce, so a hundred samples of
whether a ray hits cost less than a dozen of the colour. The two passes see the same geometry.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

Json = dict[str, Any]


def main(folder: Path, threads: int) -> None:
    """Render all views of the scene in `folder`."""
    described: Json = json.loads((folder / "scene.json").read_text())
    with np.load(folder / "scene.npz") as arrays:
        scene = _empty_scene(threads)
        materials = [_material(index, given) for index, given in enumerate(described["materials"])]
        for index, part in enumerate(described["strands"]):
            _add_strands(scene, f"strands{index}", arrays, materials[part["material"]])
        for index, part in enumerate(described["surfaces"]):
            _add_surface(scene, f"surface{index}", arrays, materials[part["material"]])
        for name, view in described["views"].items():
            with _lit(scene, view, arrays[f"{view['environment']}"]):
                picture = _render(scene, view, folder / name)
            np.save(folder / f"{name}.npy", picture)


def _empty_scene(threads: int) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode = "FIXED"
    scene.render.threads = threads
    scene.render.film_transparent = True
    scene.render.resolution_percentage = 100
    scene.render.use_persistent_data = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    cycles = scene.cycles
    cycles.device = "CPU"
    # A handful of samples, smoothed where the scene is smooth, show more than three times as many.
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_quality = "FAST"
    cycles.denoising_prefilter = "NONE"
    cycles.denoising_use_gpu = False
    cycles.film_transparent_glass = True
    cycles.sample_clamp_direct = 8
    cycles.sample_clamp_indirect = 3
    cycles.caustics_reflective = False
    cycles.caustics_refractive = False
    cycles.use_light_tree = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.cycles_curves.subdivisions = 1
    return scene


def _material(index: int, given: Json) -> Any:
    """Make a material; colours come from the attribute `colour` of strands and surfaces."""
    material = bpy.data.materials.new(f"material{index}")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    attribute = tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = "colour"
    colour = attribute.outputs["Color"]
    shader = _SHADERS[given["kind"]](tree, given, colour)
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shader, output.inputs["Surface"])
    return material


def _fibre(tree: Any, given: Json, colour: Any) -> Any:
    node = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    node.model = "CHIANG"
    node.parametrization = "ABSORPTION"
    node.inputs["Roughness"].default_value = given["roughness"]
    node.inputs["Radial Roughness"].default_value = given["radial_roughness"]
    node.inputs["Coat"].default_value = given["coat"]
    node.inputs["Random Roughness"].default_value = 0.2
    tree.links.new(colour, node.inputs["Absorption Coefficient"])
    return node.outputs[0]


def _matter(tree: Any, given: Json, colour: Any) -> Any:
    node = tree.nodes.new("ShaderNodeBsdfPrincipled")
    node.inputs["Roughness"].default_value = given["roughness"]
    node.inputs["Specular IOR Level"].default_value = given["specular"]
    node.inputs["Metallic"].default_value = given["metallic"]
    tree.links.new(colour, node.inputs["Base Color"])
    if not given["translucency"]:
        return node.outputs[0]
    through = tree.nodes.new("ShaderNodeBsdfTranslucent")
    tree.links.new(colour, through.inputs["Color"])
    mixed = tree.nodes.new("ShaderNodeMixShader")
    mixed.inputs[0].default_value = given["translucency"]
    tree.links.new(node.outputs[0], mixed.inputs[1])
    tree.links.new(through.outputs[0], mixed.inputs[2])
    return mixed.outputs[0]


def _glass(tree: Any, given: Json, colour: Any) -> Any:
    node = tree.nodes.new("ShaderNodeBsdfGlass")
    node.inputs["Roughness"].default_value = given["roughness"]
    node.inputs["IOR"].default_value = given["ior"]
    tree.links.new(colour, node.inputs["Color"])
    return node.outputs[0]


_SHADERS = {"fibre": _fibre, "matter": _matter, "glass": _glass}


def _add_strands(scene: Any, name: str, arrays: Any, material: Any) -> None:
    points, radius, colour = (arrays[f"{name}.{key}"] for key in ("points", "radius", "colour"))
    count, length = points.shape[:2]
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([length] * count)
    curves.attributes["position"].data.foreach_set("vector", points.ravel())
    held = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    held.data.foreach_set("value", radius.ravel())
    # A vector, not a colour: absorption has no upper bound, and nothing may convert it.
    curves.attributes.new("colour", "FLOAT_VECTOR", "POINT").data.foreach_set(
        "vector", colour.ravel()
    )
    curves.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new(name, curves))


def _add_surface(scene: Any, name: str, arrays: Any, material: Any) -> None:
    vertices, triangles, colour = (
        arrays[f"{name}.{key}"] for key in ("vertices", "triangles", "colour")
    )
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(triangles.size)
    mesh.loops.foreach_set("vertex_index", triangles.ravel())
    mesh.polygons.add(len(triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(triangles), dtype=bool))
    mesh.update(calc_edges=True)
    mesh.attributes.new("colour", "FLOAT_VECTOR", "POINT").data.foreach_set(
        "vector", colour.ravel()
    )
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new(name, mesh))


@contextlib.contextmanager
def _lit(scene: Any, view: Json, environment: Any) -> Iterator[None]:
    """Put up camera, lamps and surroundings of one view."""
    made = [_camera(scene, view["camera"])]
    made += [_lamp(scene, lamp) for lamp in view["lamps"]]
    height, width = environment.shape[:2]
    image = bpy.data.images.new("environment", width, height, float_buffer=True, is_data=True)
    flipped = np.dstack([environment, np.ones((height, width), np.float32)])[::-1]
    image.pixels.foreach_set(np.ascontiguousarray(flipped, dtype=np.float32).ravel())
    image.update()
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    node = world.node_tree.nodes.new("ShaderNodeTexEnvironment")
    node.image = image
    world.node_tree.links.new(node.outputs[0], world.node_tree.nodes["Background"].inputs["Color"])
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = 256
    scene.world = world
    try:
        yield
    finally:
        for thing in made:
            bpy.data.objects.remove(thing)
        scene.world = None
        bpy.data.worlds.remove(world)
        bpy.data.images.remove(image)


def _aimed(thing: Any, place: list[float], target: list[float]) -> None:
    from mathutils import Vector

    thing.location = place
    towards = Vector(target) - Vector(place)
    thing.rotation_mode = "QUATERNION"
    thing.rotation_quaternion = towards.to_track_quat("-Z", "Y")


def _camera(scene: Any, given: Json) -> Any:
    camera = bpy.data.cameras.new("camera")
    camera.lens = given["lens"]
    camera.sensor_width = 36
    camera.clip_start, camera.clip_end = 0.01, 1000
    camera.dof.use_dof = given["aperture"] > 0
    if given["aperture"] > 0:
        camera.dof.aperture_fstop = given["aperture"]
        camera.dof.focus_distance = given["focus"]
    thing = bpy.data.objects.new("camera", camera)
    _aimed(thing, given["place"], given["target"])
    scene.collection.objects.link(thing)
    scene.camera = thing
    return thing


def _lamp(scene: Any, given: Json) -> Any:
    lamp = bpy.data.lights.new("lamp", "AREA")
    lamp.shape = "DISK"
    lamp.size = given["size"]
    lamp.energy = given["power"]
    lamp.color = given["colour"]
    thing = bpy.data.objects.new("lamp", lamp)
    _aimed(thing, given["place"], given["target"])
    # Seen by the camera, a lamp would be part of the subject.
    thing.visible_camera = False
    scene.collection.objects.link(thing)
    return thing


def _render(scene: Any, view: Json, path: Path) -> Any:
    scene.render.resolution_x, scene.render.resolution_y = view["width"], view["height"]
    cycles = scene.cycles
    cycles.seed = view["seed"]
    cycles.max_bounces = view["bounces"]
    cycles.diffuse_bounces = cycles.glossy_bounces = min(view["bounces"], 2)
    cycles.transmission_bounces = view["bounces"]
    cycles.transparent_max_bounces = view["bounces"]
    cycles.samples = view["samples"]
    cycles.use_denoising = True
    cycles.use_adaptive_sampling = view["opacity_samples"] == 0
    cycles.adaptive_threshold = 0.01
    cycles.adaptive_min_samples = 16
    coloured = _picture(scene, path)
    if not view["opacity_samples"]:
        return np.dstack([coloured, coloured[..., 3]])
    layer = scene.view_layers[0]
    world, scene.world = scene.world, None
    layer.material_override = _shining()
    lamps = [thing for thing in scene.objects if thing.type == "LIGHT"]
    for lamp in lamps:
        lamp.hide_render = True
    cycles.max_bounces = 0
    cycles.samples = view["opacity_samples"]
    cycles.use_denoising = False
    cycles.use_adaptive_sampling = True
    cycles.adaptive_min_samples = 8
    opacity = _picture(scene, path)[..., 3]
    layer.material_override = None
    scene.world = world
    return np.dstack([coloured, opacity])


def _shining() -> Any:
    found = bpy.data.materials.get("shining")
    if found:
        return found
    material = bpy.data.materials.new("shining")
    material.use_nodes = True
    material.node_tree.nodes.clear()
    node = material.node_tree.nodes.new("ShaderNodeEmission")
    output = material.node_tree.nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(node.outputs[0], output.inputs["Surface"])
    return material


def _picture(scene: Any, path: Path) -> Any:
    """Render and read back: HxWx4 float32, the top row first."""
    file = path.with_suffix(".exr")
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    os.unlink(file)
    return pixels.reshape(height, width, 4)[::-1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
